"""The commands that are run on a host: each as a shell has them, whatever people's words hold; no secret in any."""

import subprocess
from pathlib import Path
from typing import get_args

import pytest

from paas_agent.manifest import Kind
from paas_controller.hosts.bootstrap import recipe
from paas_controller.hosts.bootstrap.recipe import Joining, Login

EVIL = "a'; touch pwned; '$(touch pwned)`touch pwned`\" &"


def is_sound(script: str) -> bool:
    return subprocess.run(["sh", "-n", "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_script_is_sound(kind: Kind) -> None:
    assert is_sound(recipe.install(kind, EVIL, EVIL, works=False))
    assert is_sound(recipe.place(f"/var/tmp/x/{EVIL}", EVIL, "0" * 64))
    assert is_sound(Joining(EVIL, EVIL, False, EVIL, "3335").script())


def test_nothing_that_people_write_is_run(tmp_path: Path) -> None:
    stubs = tmp_path / "bin"
    stubs.mkdir()
    for name in ("systemctl", "paas-agent", "install", "chown", "mkdir", "stat", "cd"):
        (stubs / name).write_text("#!/bin/sh\n")
        (stubs / name).chmod(0o755)
    script = (
        Joining(EVIL, EVIL, False, EVIL, "3335").script().replace("/etc/", f"{tmp_path}/etc/").replace("cd /\n", "")
    )
    subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env={"PATH": f"{stubs}:/usr/bin:/bin"}, input=b"T\n", check=False
    )
    subprocess.run(["sh", "-c", recipe.clear(f"/nowhere/{EVIL}")], cwd=tmp_path, check=True)
    assert not (tmp_path / "pwned").exists()


def test_sudo_is_told_its_password_on_stdin_and_the_rest_follows() -> None:
    asked = Login(root=False, asks=True, password="hush")
    assert asked.command("id -u") == "sudo -k -S -p '' sh -c 'id -u'"
    assert asked.told("token\n") == b"hush\ntoken\n"
    assert Login(root=False, password="hush").told("token\n") == b"token\n"
    assert Login(root=True).command("id -u") == "sh -c 'id -u'"


def test_what_arrived_is_moved_into_place_only_if_it_is_what_was_sent(tmp_path: Path) -> None:
    cache, folder = tmp_path / "cache", tmp_path / "sent"
    for content, code in (("other", 1), ("right", 0)):
        folder.mkdir()
        (folder / "p.deb").write_text(content)
        sha256 = (
            subprocess.run(["sha256sum"], input=b"right", capture_output=True, check=True).stdout.split()[0].decode()
        )
        script = recipe.place(f"{folder}/p.deb", "p.deb", sha256).replace(recipe.CACHE, str(cache))
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert not folder.exists()
        assert (cache / "p.deb").exists() == (code == 0)
        assert not (cache / "p.deb.part").exists()


def test_the_unit_runs_as_the_first_user_or_as_the_packages_own() -> None:
    others, own = (
        Joining(user, "https://c:3334", False, "10.0.0.1", "3335").script() for user in ("ann", "paas-agent")
    )
    assert "User=%s" in others
    assert "User=%s" not in own
    assert "--listen 0.0.0.0:3335 --advertise 10.0.0.1:3335" in own
    assert "--listen '[::]:3335' --advertise '[fd00::1]:3335'" in Joining("a", "c", True, "fd00::1", "3335").script()
