"""A C compiler and curl for machines without: Debian's own, unpacked where every user may run them."""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts_repo.build import SOURCE, cache_folder, locked

_RECIPE = Path(__file__).parent / "debian" / "tools" / "package"
_MADE = "debian-tools.tar.gz"


@contextmanager
def programs() -> Iterator[Path]:
    """A folder with cc and curl in it."""
    with tempfile.TemporaryDirectory(prefix="tools-") as folder:
        Path(folder).chmod(0o755)
        subprocess.run(["tar", "-xzf", _archive(), "-C", folder], check=True)
        yield Path(folder) / "programs"


@contextmanager
def on_the_path() -> Iterator[None]:
    """What this machine lacks of cc and curl is found all the same; what it has comes first."""
    before = os.environ["PATH"]
    if all(map(shutil.which, ("cc", "curl"))):
        yield
        return
    with programs() as folder:
        os.environ["PATH"] = f"{before}:{folder}"
        yield
        os.environ["PATH"] = before


def _archive() -> Path:
    """Made once for a recipe."""
    text = _RECIPE.read_bytes() + (SOURCE / "debian.sh").read_bytes() + platform.machine().encode()
    cache = cache_folder()
    kept = cache / "tools" / hashlib.sha256(text).hexdigest()[:16] / _MADE
    with locked(cache):
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="making-", dir=cache) as folder:
                done = subprocess.run(
                    [_RECIPE, folder], env=os.environ | {"TMPDIR": folder}, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, done.stderr
                (Path(folder) / _MADE).replace(kept)
    return kept
