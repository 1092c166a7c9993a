"""What a host has to be like: the script's output read, and the first thing that is missing told."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from paas_agent.membership import Membership, keep
from paas_controller.hosts.bootstrap import recipe
from paas_controller.hosts.bootstrap.inspection import (
    NEEDED_BYTES,
    Facts,
    Owner,
    facts_of,
    owner_of,
    require_fit,
    require_free,
    script,
)
from paas_controller.hosts.bootstrap.progress import Failure

PRINTED = """machine x86_64
uid 1000
has systemd
has dpkg
has sudo
has rpm
has sha256sum
has install
has tar
has gzip
has systemctl
has user
free /usr 1000000
free /var 900000
free /var/tmp 900000
libc glibc 2.36
version 0.1.0
active active
Last login: yesterday, says some profile
"""
GOOD = facts_of(PRINTED)


def said(facts: Facts, runs_as: str = "ann") -> str:
    with pytest.raises(Failure) as told:
        require_fit(facts, "h:1", "ops", runs_as)
    return told.value.sentence


def test_what_is_printed_is_read() -> None:
    assert (GOOD.machine, GOOD.root, GOOD.glibc) == ("x86_64", False, (2, 36))
    assert (GOOD.version, GOOD.active) == ("0.1.0", True)
    assert GOOD.free["/var"] == 900000 << 10
    require_fit(GOOD, "h:1", "ops", "ann")


def test_the_script_runs_in_any_shell_of_posix() -> None:
    done = subprocess.run(["sh", "-c", script("nobody; echo pwned")], capture_output=True, text=True, check=False)
    facts = facts_of(done.stdout)
    assert facts.machine
    assert {"/usr", "/var", "/var/tmp"} == set(facts.free)
    assert "user" not in facts.has
    assert "pwned" not in done.stdout.splitlines()


@pytest.mark.parametrize(("has", "kind"), [("dpkg rpm", "deb"), ("rpm", "rpm"), ("", "archive")])
def test_the_hosts_own_package_manager_is_used(has: str, kind: str) -> None:
    assert Facts(has=frozenset(has.split())).kind == kind


@pytest.mark.parametrize(
    ("without", "sentence"),
    [
        ("systemd", "does not run systemd"),
        ("sudo", "has no sudo, and ops is not root: install sudo, or connect as root"),
        ("tar", "lacks tar: install what is missing"),
        ("user", "has no user ann, as which the agent is to run"),
    ],
)
def test_what_is_missing_is_said(without: str, sentence: str) -> None:
    assert sentence in said(replace(GOOD, has=GOOD.has - {without}))


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("libc glibc 2.17", "has glibc 2.17, and the agent needs 2.31 or newer"),
        ("libc ", "has no glibc"),
        ("free /var/tmp 2048", "has 2 MB left in /var/tmp"),
    ],
)
def test_what_is_too_little_is_said(printed: str, sentence: str) -> None:
    name = " ".join(printed.split(" ")[: 2 if printed.startswith("free") else 1]) + " "
    kept = "".join(f"{line}\n" for line in PRINTED.splitlines() if not line.startswith(name))
    assert sentence in said(facts_of(f"{kept}{printed}\n"))
    assert NEEDED_BYTES > 2 << 20


def test_who_has_no_shell_is_told_so() -> None:
    assert "did not run a shell script of ops's" in said(facts_of("This account is not available.\n"))


def test_root_needs_no_sudo_and_the_packages_own_user_need_not_be_there_yet() -> None:
    require_fit(replace(GOOD, root=True, has=GOOD.has - {"sudo", "user"}), "h:1", "root", "paas-agent")


# Whose agent is there


OURS, THEIRS = "https://c:3334", "https://else:3334"


@pytest.mark.parametrize(
    ("owner", "asked"),
    [
        (Owner(), False),
        (Owner("h:1", OURS), False),
        (Owner("gone:1", OURS), False),
        (Owner("h:1", THEIRS), True),
        (Owner("gone:1", THEIRS), True),
    ],
    ids=["nobody's", "this host's", "a deleted host's", "another controller's", "another host's there"],
)
def test_an_agent_is_taken_that_nobody_here_has_or_that_a_person_wants(owner: Owner, *, asked: bool) -> None:
    require_free(owner, "h:1", OURS, {"other:1"}, asked=asked)


@pytest.mark.parametrize(
    ("owner", "asked", "sentence"),
    [
        (Owner("other:1", OURS), True, "the agent up there is other:1, known here already"),
        (Owner("h:1", THEIRS), False, "h:1 of another controller, https://else:3334: end it there, or take it with"),
    ],
)
def test_an_agent_that_somebody_has_is_left_to_him(owner: Owner, sentence: str, *, asked: bool) -> None:
    with pytest.raises(Failure, match=sentence) as told:
        require_free(owner, "h:1", OURS, {"other:1"}, asked=asked)
    assert told.value.lasting


def test_whose_it_is_is_read_and_nothing_else(tmp_path: Path) -> None:
    known = Membership(
        controller=OURS, host="h:1", agent_token="secret", controller_token="secret", interval=5,
        listen="0.0.0.0:1", address="h", port="1",
    )  # fmt: skip
    keep(known, tmp_path)
    look = recipe.WHOSE.replace(recipe.WORK_DIR, str(tmp_path))
    printed = subprocess.run(["sh", "-c", look], capture_output=True, text=True, check=True).stdout
    assert owner_of(printed) == Owner("h:1", OURS)
    assert "secret" not in printed
