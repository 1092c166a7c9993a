"""nginx for those who bring its source: the vendor's archive, and one that is built in no time."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from scripts_repo.build import cache_folder, locked

OPTIONS = "--without-http_rewrite_module --without-http_gzip_module --with-cc-opt=-O0"
"""What is built needs no library, and is built fast."""

_CONFIGURE = "#!/bin/sh\nmkdir -p objs\n"
_MAKEFILE = "build:\n\tcp built objs/nginx\n"


def vendors_source() -> Path:
    """The vendor's own archive, which Debian keeps beside its packages; fetched once."""
    kept = cache_folder() / "sources" / "nginx.tar.gz"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            _fetch(Path(folder)).replace(kept)
    return kept


def _fetch(folder: Path) -> Path:
    for part in ("parts", "state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    for known in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")):
        if known.suffix in (".list", ".sources") and known.exists():
            text = re.sub(r"^(Types:).*", r"\1 deb-src", known.read_text(), flags=re.MULTILINE)
            (folder / "parts" / known.name).write_text(re.sub(r"^deb ", "deb-src ", text, flags=re.MULTILINE))
    settings = {
        "Dir::Etc::SourceList": "/dev/null", "Dir::Etc::SourceParts": folder / "parts", "Dir::State": folder / "state",
        "Dir::State::Status": "/dev/null", "Dir::Cache": folder / "cache", "APT::Sandbox::User": "root",
    }  # fmt: skip
    apt = ["apt-get", "-qq", *(f"-o{key}={value}" for key, value in settings.items())]
    for command in (["update"], ["source", "--download-only", "--tar-only", "nginx"]):
        subprocess.run([*apt, *command], cwd=folder, capture_output=True, check=True)
    (archive,) = folder.glob("nginx_*.orig.tar.*")
    return archive


def put_nginx(repo: Path) -> None:
    """Puts a nginx-1.16.tar.gz beside its scripts in a copy of the repository: what its real build made, and a
    `configure` and a Makefile that only copy it."""
    scripts = repo / "nginx" / "1.16"
    with locked(cache_folder()):
        key = hashlib.sha256(vendors_source().read_bytes() + (scripts / "install.sh").read_bytes()).hexdigest()[:16]
        kept = cache_folder() / "sources" / f"{key}-nginx-1.16.tar.gz"
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
                _make(scripts, Path(folder)).replace(kept)
    shutil.copyfile(kept, scripts / "nginx-1.16.tar.gz")


def _make(scripts: Path, folder: Path) -> Path:
    environment = {"INSTANCE_DIR": folder, "PACKAGE_FILE": vendors_source(), "BUILD_OPTIONS": OPTIONS}
    plain = {"PATH": os.environ["PATH"], **{key: str(value) for key, value in environment.items()}}
    subprocess.run(["sh", scripts / "install.sh"], env=plain, capture_output=True, check=True)
    source = folder / "nginx-1.16"
    (source / "conf").mkdir(parents=True)
    shutil.copy(folder / "software/bin/nginx", source / "built")
    shutil.copy(folder / "software/conf/mime.types", source / "conf")
    (source / "configure").write_text(_CONFIGURE)
    (source / "Makefile").write_text(_MAKEFILE)
    subprocess.run(["tar", "-czf", "made.tar.gz", source.name], cwd=folder, check=True)
    return folder / "made.tar.gz"
