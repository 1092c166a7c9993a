"""The wheels as they reach people: what is in them, and that each runs where nothing else is installed."""

import email
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from email.message import Message
from pathlib import Path

import aiohttp
import pytest

from tests.packaging.conftest import PROJECTS, ROOT, clone_to
from tests.testbeds.ports import free_port
from tests.testbeds.stack import Program, until

Installed = Callable[[str], Path]


def metadata(wheels: Path) -> dict[str, Message]:
    """By the name of the project."""
    found = {}
    for project in PROJECTS:
        (wheel,) = wheels.glob(f"paas_{project}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            found[project] = email.message_from_bytes(archive.read(name))
    return found


def said(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env={})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_wheels_share_one_version(wheels: Path) -> None:
    (version,) = {each["Version"] for each in metadata(wheels).values()}
    assert f"paas-agent=={version}" in metadata(wheels)["controller"].get_all("Requires-Dist", [])


def test_the_agent_needs_five_libraries_and_no_more(wheels: Path) -> None:
    needed = {line.split(">=")[0].split("<")[0] for line in metadata(wheels)["agent"].get_all("Requires-Dist", [])}
    assert needed == {"aiohttp", "apscheduler", "cryptography", "msgspec", "psutil"}


@pytest.mark.parametrize("project", PROJECTS)
def test_a_wheel_says_what_it_is_and_carries_its_types(wheels: Path, project: str) -> None:
    about = metadata(wheels)[project]
    assert about["Summary"]
    assert str(about.get_payload()).startswith(f"# paas-{project}\n")
    (wheel,) = wheels.glob(f"paas_{project}-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert f"paas_{project}/py.typed" in names
    assert all(name.startswith((f"paas_{project}/", f"paas_{project}-")) for name in names)


def test_the_same_commit_gives_the_same_bytes(tmp_path: Path) -> None:
    built = []
    for name, umask in (("here", 0o022), ("elsewhere", 0o077)):
        clone = clone_to(tmp_path / name / "main", umask)
        target = tmp_path / name / "wheels"
        subprocess.run([clone / "packaging" / "wheels", target], check=True, umask=umask, stdout=subprocess.DEVNULL)
        built.append({wheel.name: wheel.read_bytes() for wheel in target.iterdir()})
    assert len(built[0]) == len(PROJECTS)
    assert built[0] == built[1]


def test_wheels_are_built_without_git_and_the_date_is_said(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "dirname", "mkdir", "realpath", "rm", "sha256sum"):
        (programs / name).symlink_to(str(shutil.which(name)))
    command = [ROOT / "packaging" / "wheels", tmp_path / "wheels"]
    done = subprocess.run(command, env={"PATH": str(programs)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "wheels").iterdir())) == len(PROJECTS)
    assert "files are dated 1980; set SOURCE_DATE_EPOCH" in done.stderr
    assert "not found" not in done.stderr


def test_the_agent_runs_in_an_empty_environment(installed: Installed) -> None:
    assert "usage: paas-agent" in said(installed("paas-agent") / "paas-agent", "--help")


def test_paasctl_runs_in_an_empty_environment(installed: Installed) -> None:
    assert "paasctl" in said(installed("paas-client") / "paasctl", "--help")


def test_the_controller_runs_in_an_empty_environment(installed: Installed, wheels: Path) -> None:
    controller = installed("paas-controller") / "paas-controller"
    assert said(controller, "--version").strip() == metadata(wheels)["controller"]["Version"]
    assert "usage: paas-controller" in said(controller, "--help")


async def test_the_controller_serves_from_an_empty_environment(installed: Installed, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    command = [str(installed("paas-controller") / "paas-controller"), "--listen", f"127.0.0.1:{port}"]
    controller = Program("controller", [*command, "--data-dir", str(tmp_path / "data")], log)

    async def healthy() -> bool:
        assert controller.alive, log.read_text()
        try:
            async with session.get(f"http://127.0.0.1:{port}/healthz") as answer:
                return answer.status == 200
        except aiohttp.ClientConnectionError:
            return False

    controller.start()
    try:
        async with aiohttp.ClientSession() as session:
            await until(healthy, "the controller to answer /healthz")
        assert controller.stop() == 0, log.read_text()
    finally:
        controller.kill()
