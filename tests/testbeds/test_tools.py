"""The tools for machines without work; most machines have their own, so nothing else would tell."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbeds import tools

_PROGRAM = '#include <math.h>\n#include <stdio.h>\nint main(int n, char **_) { printf("%g", pow(n, 2)); }\n'


@pytest.fixture(scope="module")
def programs() -> Iterator[Path]:
    with tools.programs() as folder:
        yield folder


def test_the_compiler_makes_a_program_that_runs(programs: Path, tmp_path: Path) -> None:
    compiling = [programs / "cc", "-O2", "-x", "c", "-", "-o", tmp_path / "program", "-lm"]
    subprocess.run(compiling, input=_PROGRAM, text=True, check=True)
    done = subprocess.run([tmp_path / "program", "two", "three"], capture_output=True, text=True, check=True)
    assert done.stdout == "9"


def test_curl_reads_what_is_there(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "page").write_text("here")
    done = subprocess.run([programs / "curl", "-sS", f"file://{tmp_path}/page"], capture_output=True, check=True)
    assert done.stdout == b"here"
