"""What a recipe refuses, it refuses with the sentence that its author needs."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts_repo.build import SOURCE

Make = Callable[[str], subprocess.CompletedProcess[str]]

# What would be unpacked, without asking apt: a program of this machine that loads more than the C library.
UNPACKED = 'mkdir -p "$tree/usr/bin" && cp "$(realpath "$(command -v ls)")" "$tree/usr/bin/tool"'


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Runs a recipe with this text."""

    def made(text: str) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "tool" / "1"
        folder.mkdir(parents=True)
        recipe = folder / "package"
        recipe.write_text(f'. "{SOURCE}/debian.sh"\nbegin "$1"\n{text}\n')
        return subprocess.run(["sh", recipe, tmp_path], capture_output=True, text=True, check=False)

    return made


def test_a_misspelt_package_is_named_alone(make: Make) -> None:
    done = make("unpack busyboxx busybox")
    assert done.returncode == 1
    assert done.stderr == "tool 1: Debian has no package busyboxx; apt-cache search finds names\n"


def test_a_file_that_lies_elsewhere_is_said_to_lie_there(make: Make) -> None:
    done = make(f'{UNPACKED}\nmkdir -p "$tree/etc/tool" && touch "$tree/etc/tool/tool"\ntake usr/sbin/tool bin')
    assert done.returncode == 1
    assert done.stderr == "tool 1: usr/sbin/tool is in none of the packages; there is etc/tool/tool, usr/bin/tool\n"


def test_of_a_file_that_is_nowhere_it_is_said_how_to_find_it(make: Make) -> None:
    done = make(f"{UNPACKED}\ntake usr/bin/tol bin")
    assert done.stderr == "tool 1: usr/bin/tol is in none of the packages; dpkg-deb -c lists what is in one\n"


def test_a_program_whose_libraries_were_forgotten_is_not_packed(make: Make, tmp_path: Path) -> None:
    done = make(f'{UNPACKED}\ncp "$tree/usr/bin/tool" "$out/bin"\npack')
    assert done.returncode == 1
    assert done.stderr.startswith("tool 1: bin/tool needs lib")
    assert done.stderr.endswith(", which is not in the package: take_libraries bin/tool\n")
    assert not list(tmp_path.glob("*.gz"))
