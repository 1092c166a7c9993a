"""The pins, as everybody gets them."""

import re
import subprocess

from tests.packaging.conftest import ROOT


def test_the_pins_are_what_is_asked_for_and_name_no_index_and_no_folder() -> None:
    before = (ROOT / "constraints.txt").read_text()
    asked = re.findall(r"^[a-z][\w-]*", (ROOT / "requirements-dev.in").read_text(), re.MULTILINE)
    pinned = re.findall(r"^([a-z][\w-]*)==", before, re.MULTILINE)
    assert set(asked) <= set(pinned)
    pin = r"[a-z][\w-]*==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+\n"
    assert re.fullmatch(f"({pin})+", before)


def test_every_pin_is_what_is_installed() -> None:
    frozen = subprocess.run(
        [ROOT / ".venv" / "bin" / "pip", "freeze", "--all", "--exclude-editable"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    # pip itself comes with Python.
    installed = {line.lower().replace("_", "-") for line in frozen.splitlines() if not line.startswith("pip==")}
    pinned = set(re.findall(r"^\S+==\S+", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    assert installed == pinned
