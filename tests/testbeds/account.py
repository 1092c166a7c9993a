"""Run a program as another account, which may not enter the folders that the program and its Python stand in.

In a mount namespace of its own each closed folder on the way is covered by an open one that holds nothing else. The
account itself gets no privilege.
"""

import stat
import sys
from pathlib import Path

_NEEDED = (Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[2])
_ENTER = """
set -e
user=$1 count=$2; shift 2
kept=$(mktemp -d)
while [ "$count" -gt 0 ]; do
    mount --bind "$2" "$kept"
    mount -t tmpfs -o mode=755 cover "$1"
    mkdir -p "$2"
    mount --move "$kept" "$2"
    shift 2; count=$((count - 1))
done
rmdir "$kept"
exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@"
"""


def command_as(user: str, command: list[str]) -> list[str]:
    """The command as this account; it takes root to begin with."""
    closed = _closed()
    covers = [str(path) for cover in closed for path in cover]
    return ["unshare", "--mount", "sh", "-c", _ENTER, "account", user, str(len(closed)), *covers, *command]


def _closed() -> list[tuple[Path, Path]]:
    """The topmost closed folder above each needed one, and the needed one."""
    found: dict[Path, Path] = {}
    for needed in _NEEDED:
        above = next((folder for folder in reversed(needed.resolve().parents) if not _open(folder)), None)
        if above is not None:
            found[above] = needed.resolve() if above not in found else _common(found[above], needed.resolve())
    return list(found.items())


def _common(one: Path, other: Path) -> Path:
    return next(folder for folder in (one, *one.parents) if other.is_relative_to(folder))


def _open(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)
