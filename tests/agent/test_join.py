"""Joining: what is kept of it, and the sentence when it does not work."""

import json
import stat
from pathlib import Path

import pytest
from yarl import URL

from paas_agent.settings import read
from paas_agent.trust import Trust
from tests.agent.harness import AGENT_TOKEN, TOKEN, Agent, Controller, membership


async def join(agent: Agent, folder: Path, *arguments: str) -> tuple[int, str]:
    return await agent.command(
        "join", "--work-dir", str(folder), *arguments, PAAS_AGENT_JOIN_TOKEN="let-me-in", PAAS_AGENT_PLAIN_HTTP="true"
    )


async def test_joining_keeps_both_tokens_where_only_the_agent_reads_them(
    idle_agent: Agent, controller: Controller, tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    code, printed = await join(idle_agent, folder, "--controller", controller.url, "--advertise", "192.0.2.7:4444")
    assert (code, printed) == (0, f"joined {controller.url} as 192.0.2.7:4444\n")
    kept = json.loads((folder / "agent.json").read_text())
    assert (kept["agent_token"], kept["controller_token"], kept["host"]) == (AGENT_TOKEN, TOKEN, "192.0.2.7:4444")
    assert stat.S_IMODE((folder / "agent.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_on_a_wildcard_the_address_towards_the_controller_is_said(
    idle_agent: Agent, controller: Controller, tmp_path: Path
) -> None:
    code, printed = await join(idle_agent, tmp_path / "new", "--controller", controller.url)
    assert code == 0
    assert printed.endswith(" as 127.0.0.1:3335\n")


@pytest.mark.parametrize(
    ("given", "listen", "tunnel"),
    [
        ((), "0.0.0.0:3335", False),
        (("--tunnel",), "127.0.0.1:3335", True),
        (("--tunnel", "--listen", "0.0.0.0:1"), "0.0.0.0:1", True),
    ],
)
async def test_an_agent_behind_a_tunnel_says_so_and_listens_on_loopback_unless_told_otherwise(
    idle_agent: Agent, controller: Controller, tmp_path: Path, given: tuple[str, ...], listen: str, tunnel: bool
) -> None:
    code, printed = await join(idle_agent, tmp_path / "new", "--controller", controller.url, *given)
    assert code == 0, printed
    assert json.loads((tmp_path / "new" / "agent.json").read_text())["listen"] == listen
    assert controller.join_asked.get("tunnel", False) is tunnel


REFUSED = [
    ("--controller URL --join-token no", 1, "the controller refused this host (401): the join token is not known"),
    ("--controller URL", 2, "--join-token (or PAAS_AGENT_JOIN_TOKEN) is needed"),
    (
        "--controller http://192.0.2.1:1 --join-token x",
        2,
        "http://192.0.2.1:1 would be spoken to in the clear: write https",
    ),
    ("--controller URL --join-token x.f00", 2, "this token is for a controller with TLS: write https://127.0.0.1"),
    (
        "--controller URL --join-token x --ca-file /etc/passwd",
        2,
        "--ca-file /etc/passwd cannot be used: what is needed is not in there, in PEM",
    ),
    ("--controller URL --join-token let-me-in", 1, "URL gave this host no certificate"),
    ("--controller URL/nowhere --join-token x", 1, "the controller refused this host (404)"),
    ("--controller http://127.0.0.1:1 --join-token x", 1, "the controller at http://127.0.0.1:1 cannot be reached"),
    ("--controller here --join-token x", 2, "--controller (or PAAS_AGENT_CONTROLLER) has to be an address"),
    ("--join-token x", 2, "--controller (or PAAS_AGENT_CONTROLLER) has to be an address"),
    ("--controller URL --join-token x --listen here", 2, "--listen has to be HOST:PORT"),
    ("--controller URL --join-token x --advertise here:x", 2, "--advertise has to be HOST:PORT"),
    ("--controller URL --join-token x --ca-file /nowhere", 2, "--ca-file /nowhere cannot be used"),
    ("--controller URL --join-token x --log-level loud", 2, "--log-level has to be one of"),
]


@pytest.mark.parametrize(("arguments", "code", "sentence"), REFUSED)
async def test_what_is_wrong_with_a_join_is_one_sentence(
    idle_agent: Agent, controller: Controller, tmp_path: Path, arguments: str, code: int, sentence: str
) -> None:
    given = arguments.replace("URL", controller.url).split()
    got, printed = await idle_agent.command("join", "--work-dir", str(tmp_path / "new"), *given)
    assert (got, printed.count("\n")) == (code, 1), printed
    assert printed.startswith(f"paas-agent: {sentence.replace('URL', controller.url)}")
    assert not (tmp_path / "new" / "agent.json").exists()


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://192.0.2.1:3334/repo/redis/start.sh", True),
        ("http://192.0.2.1:3334/repository/x", False),
        ("http://192.0.2.1:3334/repo/../apis/x", False),
        ("http://192.0.2.1:3335/repo/x", False),
        ("https://192.0.2.1:3334/repo/x", False),
        ("http://192.0.2.1.example.org:3334/repo/x", False),
        ("http://192.0.2.1:3334@example.org/repo/x", False),
    ],
)
def test_the_token_goes_to_the_controllers_repository_alone(url: str, sent: bool) -> None:
    trust = Trust(membership("http://192.0.2.1:3334", 3335), read(["run", "--work-dir", "."], {}))
    own = trust.own(str(URL(url)))
    assert (own and own["headers"]) == ({"Authorization": f"Bearer {AGENT_TOKEN}"} if sent else None)


async def test_a_folder_whose_agent_runs_is_not_joined_anew(agent: Agent, controller: Controller) -> None:
    before = (agent.work_dir / "agent.json").read_bytes()
    code, printed = await join(agent, agent.work_dir, "--controller", controller.url)
    assert code == 1
    assert "another agent is running in" in printed
    assert (agent.work_dir / "agent.json").read_bytes() == before
