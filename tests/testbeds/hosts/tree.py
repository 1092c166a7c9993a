"""What hosts are installed from: made once by tree.sh, kept in the user's cache under a hash of its recipe."""

import hashlib
import os
import platform
import tempfile
from pathlib import Path

from scripts_repo.build import cache_folder
from tests.testbeds.hosts.machine import BEDS, check, command, equip, locked

# Whom one may log in as: root, one whose sudo asks for it, one whose sudo does not, one without sudo.
PASSWORDS = {
    "root": "Root's fir-cone, 1",
    "ops": "Ops' $fern & moss",
    "robot": "Robot-birch-3",
    "plain": "Plain-alder-4",
}
_RECIPE = Path(__file__).with_name("tree.sh")
# It ends when this process is killed, and what it mounted on the way is gone then.
_ALONE = ("setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child")
_MAKING = "hosts-making-"


def base_tree() -> Path:
    """The tree, from the cache or made now, in a minute. CannotStart says where there can be none."""
    check()
    cache = cache_folder()
    accounts = "".join(f"{name}:{password}\n" for name, password in PASSWORDS.items())
    key = hashlib.sha256(_RECIPE.read_bytes() + accounts.encode() + platform.machine().encode()).hexdigest()[:16]
    tree = cache / f"hosts-{key}"
    with locked(cache / "hosts.lock"):
        equip()
        if not tree.exists():
            _clear(cache)
            print(
                "making the hosts' base tree from Debian's packages; this is done once and takes a minute", flush=True
            )
            folder = Path(tempfile.mkdtemp(prefix=_MAKING, dir=cache))
            made = folder / "tree"
            command(*_ALONE, "sh", _RECIPE, made, told=accounts)
            os.utime(made)
            made.rename(tree)
            folder.rmdir()
            prune(cache, BEDS)
    return tree


def _clear(cache: Path) -> None:
    """Removes what a killed run left half made."""
    for left in cache.glob(f"{_MAKING}*"):
        command("rm", "-rf", "--one-file-system", left)


def prune(cache: Path, beds: Path) -> None:
    """Of former recipes the newest stays beside this one, and what hosts stand on now."""
    used = {link.resolve() for link in beds.glob("*/tree")}
    trees = sorted((one for one in cache.glob("hosts-*") if one.is_dir()), key=lambda one: one.stat().st_mtime)
    for former in trees[:-2]:
        if former.resolve() not in used:
            command("rm", "-rf", "--one-file-system", former)
