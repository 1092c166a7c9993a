"""sbom.py VERSION DATE FROZEN: prints what is in the agent's packages, as CycloneDX 1.6; from the pins, from what
libraries tell of that is built into them, and from the sources that the tree to freeze in was made of.
"""

import json
import re
import sys
import uuid
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path
from urllib.parse import quote

from pins import pins

_LEFT_OUT = {"pycparser"}
"""Pinned because another one asks for it, and not needed when the agent runs."""


def library(name: str, pin: str) -> dict[str, object]:
    """A library of Python's."""
    version = re.split(r"[=\s]+", pin)[1]
    return component(name, version, f"pkg:pypi/{name}@{version}")


def within(name: str) -> Iterator[dict[str, object]]:
    """What is built into a library, as its wheel has it listed (PEP 770)."""
    for file in files(name) or ():
        if "sboms" in file.parts and file.suffix == ".json":
            for each in json.loads(file.read_text()).get("components", ()):
                yield component(each["name"], each["version"], each["purl"].partition("?")[0])


def source(line: str) -> dict[str, object]:
    """What was made from a source package of Debian's."""
    name, version = line.split()
    return component(name, version, f"pkg:deb/debian/{name}@{quote(version)}?arch=source")


def component(name: str, version: str, purl: str) -> dict[str, object]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def bom(version: str, date: str, frozen: str) -> dict[str, object]:
    """The whole document."""
    sources = sorted(set((Path(frozen) / "lib" / "sources").read_text().splitlines()))
    pinned = {name: pin for name, pin in pins("paas-agent").items() if name not in _LEFT_OUT}
    pinned["pyinstaller"] = pins("pyinstaller")["pyinstaller"]  # its bootloader is the program's beginning
    found = [source(line) for line in sources] + [library(*pin) for pin in sorted(pinned.items())]
    found += [each for name in sorted(pinned) for each in within(name)]
    own = f"pkg:generic/paas-agent@{version}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, own + json.dumps(found)).urn,
        "version": 1,
        "metadata": {
            "timestamp": date,
            "component": {"type": "application", "bom-ref": own, "name": "paas-agent", "version": version, "purl": own},
        },
        "components": found,
        "dependencies": [{"ref": own, "dependsOn": [each["bom-ref"] for each in found]}],
    }


if __name__ == "__main__":
    print(json.dumps(bom(*sys.argv[1:4]), indent=2))
