"""The control plane's programs: those that KUBEBUILDER_ASSETS names, else made once and kept in the user's cache."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts_repo.build import SOURCE, cache_folder
from tests.testbeds.hosts.machine import CannotStart, CommandFailed, locked

NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_RECIPE = Path(__file__).parents[1] / "debian" / "kubernetes"
_MAKING = "kubernetes-making-"


def programs() -> dict[str, Path]:
    """Each program by its name. CannotStart says where there can be none."""
    assets = Path(os.environ.get("KUBEBUILDER_ASSETS") or os.devnull)
    found = {name: assets / name for name in NAMES if (assets / name).exists()}
    if len(found) < len(NAMES):
        made = _made()
        found = {name: made / name for name in NAMES} | found
    return found


def _made() -> Path:
    text = b"".join(file.read_bytes() for file in (_RECIPE / "package", _RECIPE / "kube.go", SOURCE / "debian.sh"))
    cache = cache_folder()
    kept = cache / f"kubernetes-{hashlib.sha256(text + platform.machine().encode()).hexdigest()[:16]}"
    if kept.exists():
        return kept
    if not shutil.which("apt-get"):
        names = ", ".join(NAMES)
        raise CannotStart(
            f"Kubernetes is built from Debian's packages; run this on Debian 12, or set KUBEBUILDER_ASSETS to a folder "
            f"with {names}"
        )
    with locked(cache / "kubernetes.lock"):
        if not kept.exists():
            _clear(cache)
            _make(cache, kept)
            _prune(cache)
    return kept


def _make(cache: Path, kept: Path) -> None:
    told = "building Kubernetes from Debian's source package; this is done once and takes some minutes"
    print(told, file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix=_MAKING, dir=cache) as folder:
        environment = os.environ | {"TMPDIR": folder, "XDG_CACHE_HOME": folder}  # an apt of its own, too
        command = ["nice", str(_RECIPE / "package"), folder]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            words = done.stderr.strip() or f"the recipe ended with {done.returncode}"
            raise CommandFailed(f"Kubernetes could not be built: {words}")
        (Path(folder) / "kubernetes").rename(kept)


def _clear(cache: Path) -> None:
    """Removes what a killed run left half made."""
    for left in cache.glob(f"{_MAKING}*"):
        shutil.rmtree(left)


def _prune(cache: Path) -> None:
    """Of former recipes the newest stays, for another checkout."""
    made = sorted((one for one in cache.glob("kubernetes-*") if one.is_dir()), key=lambda one: one.stat().st_mtime)
    for former in made[:-2]:
        shutil.rmtree(former)
