"""Our programs at once, for tests that start them by the dozen."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HERE = Path(__file__).parent


@contextmanager
def quickly(name: str, module: str) -> Iterator[tuple[str, ...]]:
    """What stands for the command of this name, which is the `main` of the module; see forks.py."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, _HERE / "forks.py", f"{folder}/socket", name, module],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as forks,
    ):  # fmt: skip
        assert forks.stdin
        assert forks.stdout
        assert forks.stdout.readline() == b"ready\n"
        yield (sys.executable, "-I", "-S", str(_HERE / "launch.py"), f"{folder}/socket")
        forks.stdin.close()
