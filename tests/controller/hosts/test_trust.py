"""The small CA: what it keeps, what it issues, when it renews, what it refuses."""

import asyncio
import ssl
import stat
import time
from pathlib import Path

import pytest
from cryptography import x509

from paas_agent.contract import CONTROLLER_NAME, agent_name
from paas_agent.keys import new_key
from paas_controller.base.crypto import Vault
from paas_controller.base.errors import Invalid, PaasError
from paas_controller.base.settings import Settings
from paas_controller.hosts.trust.authority import DAY, LIFE, ROOT_LIFE, Authority, asked_key
from paas_controller.hosts.trust.authority import new_key as controllers_key
from paas_controller.hosts.trust.contexts import Contexts, ended
from paas_controller.hosts.trust.keeping import kept_authority
from paas_controller.hosts.trust.refusals import Refusal, Refusals
from tests.controller.agents import Agent
from tests.controller.shell import MORNING, Clock, Shell
from tests.testbeds.stack import until as look_until

REQUEST = new_key().request


def made(folder: Path, now: float = MORNING) -> Authority:
    return kept_authority(folder, Vault(folder / "secret.key"), now)


def names_of(certificate: str) -> set[str]:
    read = x509.load_pem_x509_certificate(certificate.encode())
    alternatives = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in alternatives}


def test_the_ca_is_made_once_and_its_key_is_sealed_and_the_owners_alone(tmp_path: Path) -> None:
    first = made(tmp_path)
    assert made(tmp_path).fingerprint == first.fingerprint
    assert stat.S_IMODE((tmp_path / "ca.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "ca.pem").stat().st_mode) == 0o644
    assert (tmp_path / "ca.pem").read_text() == first.text
    assert b"PRIVATE" not in (tmp_path / "ca.key").read_bytes()


def test_a_spoiled_or_ended_ca_is_told_with_what_to_do(tmp_path: Path) -> None:
    made(tmp_path)
    with pytest.raises(PaasError, match=r"ca\.key ended on .*; move it away, .* join every host again"):
        made(tmp_path, MORNING + ROOT_LIFE)
    vault = Vault(tmp_path / "secret.key")
    (tmp_path / "ca.key").write_text(vault.seal("no key"))
    with pytest.raises(PaasError, match=r"ca\.key holds no CA .*; put it back from the backup"):
        made(tmp_path)
    (tmp_path / "ca.key").write_text("no seal")
    with pytest.raises(PaasError, match="is not the one this database was sealed with"):
        made(tmp_path)


def test_a_ca_without_the_controllers_key_is_told_and_no_other_key_is_made(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "secret.key").unlink()
    with pytest.raises(PaasError, match=r"there is no .*secret\.key; put back the one"):
        made(tmp_path)
    assert not (tmp_path / "secret.key").exists()


def test_a_certificate_is_for_the_host_and_not_for_what_the_request_says() -> None:
    authority = Authority.made(MORNING)
    given = authority.for_agent(asked_key(REQUEST), ("192.0.2.7", "3335"), ["one", "two"], MORNING)
    assert names_of(given) == {"192.0.2.7", agent_name("one"), agent_name("two")}
    read = x509.load_pem_x509_certificate(given.encode())
    assert read.not_valid_after_utc.timestamp() == MORNING + LIFE
    assert not read.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_no_certificate_outlives_the_ca() -> None:
    authority = Authority.made(MORNING, 10 * DAY)
    given = authority.for_controller(controllers_key(), [], MORNING)
    assert x509.load_pem_x509_certificate(given.encode()).not_valid_after_utc.timestamp() == authority.ends


def test_a_certificate_of_ones_own_that_has_ended_is_told(tmp_path: Path) -> None:
    key, own = controllers_key(), tmp_path / "own.pem"
    own.write_text(made(tmp_path).for_controller(key, ["10.1.2.3"], MORNING))
    assert ended(own, MORNING) == ""
    told = ended(own, MORNING + LIFE + 1)
    assert told.startswith(f"{own}: a certificate ended on 2026-09-26T")
    assert told.endswith("put another there and start again")


@pytest.mark.parametrize("request_", ["", "x", REQUEST[:200], REQUEST.replace("M", "N", 3), "käse", "\ud800"])
def test_what_is_no_request_is_invalid(request_: str) -> None:
    with pytest.raises(Invalid, match="certificate_request: "):
        asked_key(request_)


async def test_the_controllers_certificate_is_renewed_while_it_serves(tmp_path: Path) -> None:
    clock = Clock(time.time() - 70 * DAY)
    authority = made(tmp_path, clock.now)
    settings = Settings(listen="0.0.0.0:3334", advertise="192.0.2.1:3334", data_dir=tmp_path)
    contexts = Contexts(settings, clock)
    contexts.take(authority)
    first = await _served(contexts, authority)
    assert {"192.0.2.1", "127.0.0.1", "localhost", CONTROLLER_NAME} <= first[1]
    clock.now += LIFE / 2
    assert not contexts.renew()
    clock.now += LIFE / 5
    assert contexts.renew()
    assert (await _served(contexts, authority))[0] != first[0]


async def _served(contexts: Contexts, authority: Authority) -> tuple[str, set[str]]:
    """Serial number and names of the certificate that is served now."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=contexts.serving)
    async with server:
        port = server.sockets[0].getsockname()[1]
        trusting = ssl.create_default_context(cadata=authority.text)
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=CONTROLLER_NAME)
        found = writer.get_extra_info("peercert")
        writer.close()
        return found["serialNumber"], {value for _, value in found["subjectAltName"]}


@pytest.mark.parametrize(
    ("settings", "tls"),
    [
        ({"listen": "127.0.0.1:1"}, False), ({"listen": "localhost:1"}, False), ({"listen": "192.0.2.1:1"}, True),
        ({"listen": "controller.lan:1"}, True), ({"listen": "0.0.0.0:1", "advertise": "192.0.2.1:1"}, True),
        ({"listen": "192.0.2.1:1", "plain_http": True}, False),
    ],
)  # fmt: skip
def test_off_loopback_tls_is_served_unless_plain_http_is_asked_for(settings: dict[str, str], tls: bool) -> None:
    assert Settings.model_validate(settings).serves_tls == tls


def test_without_a_ca_of_its_own_the_controller_needs_a_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(Authority.made(MORNING).text)
    with pytest.raises(ValueError, match="with --ca-file there is no CA of our own: give --tls-certificate as well"):
        Settings(listen="192.0.2.1:1", ca_file=tmp_path / "ca.pem")


async def test_a_refused_host_leaves_one_row_an_hour_for_each_reason() -> None:
    clock, rows = Clock(), list[Refusal]()
    refusals = Refusals(clock)

    async def write(refusal: Refusal) -> None:
        rows.append(refusal)

    for at, reason in ((0, "a"), (1, "a"), (2, "b"), (3599, "a"), (3600, "a")):
        clock.now = MORNING + at
        refusals.note(Refusal("h:1", reason))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await refusals.keep(write)
    assert [row.sentence for row in rows] == ["a", "b", "a"]


async def test_a_thousand_reasons_an_hour_are_noted_and_no_more() -> None:
    clock, rows = Clock(), list[Refusal]()
    refusals = Refusals(clock)

    async def write(refusal: Refusal) -> None:
        rows.append(refusal)

    keeping = asyncio.create_task(refusals.keep(write))
    for number in range(1500):
        refusals.note(Refusal("", f"reason {number}", "192.0.2.1"))
        await asyncio.sleep(0)
    assert len(rows) == 1000
    clock.now += 3600
    refusals.note(Refusal("", "a later one", "192.0.2.1"))
    await asyncio.sleep(0)
    assert rows[-1].sentence == "a later one"
    keeping.cancel()


# Joining and rotation, as HTTP has it


async def test_an_agent_that_brings_a_request_gets_a_certificate_and_the_ca(shell: Shell, agent: Agent) -> None:
    joined = (await agent.ask_to_join(certificate_request=REQUEST, features=["2026-11-tls"])).body
    assert "127.0.0.1" in names_of(joined["certificate"])
    assert joined["ca"] == (shell.folder / "ca.pem").read_text()
    assert joined["life"] == LIFE
    host = (await shell.get(f"/hosts/{agent.host}")).body
    assert host["certificate_ends"] == "2026-09-26T10:00:00.000Z"


async def test_a_wrong_request_uses_up_no_join_token(shell: Shell, agent: Agent) -> None:
    token = (await shell.post("/hosts/join-tokens")).body["join_token"]
    refused = await agent.ask_to_join(token, certificate_request="x")
    assert (refused.status, refused.message[:20]) == (400, "certificate_request:")
    assert (await agent.ask_to_join(token)).status == 200


async def test_an_agent_off_loopback_without_tls_is_refused(shell: Shell, agent: Agent) -> None:
    refused = await agent.ask_to_join(address="192.0.2.7")
    assert refused.status == 422
    assert "join without --plain-http, or start the controller with it as well" in refused.message


async def _renew(shell: Shell, token: str, **body: str) -> dict[str, str]:
    answer = await shell.post("/agents/renew", body, token=token)
    assert answer.status == 200, answer.body
    return dict(answer.body)


async def _rotated(shell: Shell, agent: Agent) -> tuple[str, str]:
    """An agent's token, and the one that follows it."""
    former = (await agent.join()).agent_token
    assert (await shell.post(f"/hosts/{agent.host}/rotate")).status == 202
    assert (await agent.report()).body["renew"] is True
    return former, (await _renew(shell, former))["agent_token"]


async def test_the_former_token_is_good_until_the_new_one_was_used(shell: Shell, agent: Agent) -> None:
    former, new = await _rotated(shell, agent)
    assert (await agent.report()).status == 202
    agent.joined.agent_token = new  # type: ignore[union-attr]
    assert (await agent.report()).body["renew"] is False
    assert (await shell.post("/agents/report", agent.says(), token=former)).status == 401
    await shell.restart()
    assert (await shell.post("/agents/report", agent.says(), token=former)).status == 401
    assert (await agent.report()).status == 202


async def test_a_rotation_goes_on_after_a_restart_in_its_middle(shell: Shell, agent: Agent) -> None:
    former, new = await _rotated(shell, agent)
    await shell.restart()
    assert (await agent.report()).body["renew"] is True
    agent.joined.agent_token = new  # type: ignore[union-attr]
    assert (await agent.report()).body["renew"] is False
    assert (await shell.post("/agents/report", agent.says(), token=former)).status == 401


async def test_an_answer_that_was_lost_is_given_anew(shell: Shell, agent: Agent) -> None:
    former, lost = await _rotated(shell, agent)
    new = (await _renew(shell, former))["agent_token"]
    assert (await shell.post("/agents/report", agent.says(), token=lost)).status == 401
    agent.joined.agent_token = new  # type: ignore[union-attr]
    await agent.report()


async def test_orders_go_out_with_the_new_token_once_it_was_used(shell: Shell, agent: Agent) -> None:
    await _rotated(shell, agent)
    host = (await shell.get(f"/hosts/{agent.host}")).body
    assert host["rotating"] is True
    told = (await shell.get("/audit")).body["items"]
    assert any(row["path"].endswith("/rotate") and row["about"] == agent.host for row in told)


async def test_a_host_without_an_agent_is_not_rotated(shell: Shell) -> None:
    await shell.post("/hosts", {"ip": "192.168.19.7"})
    refused = await shell.post("/hosts/192.168.19.7:3335/rotate")
    assert (refused.status, "paas-agent join" in refused.message) == (409, True)
    assert (await shell.post("/hosts/192.168.19.8:3335/rotate")).status == 404


async def test_a_dry_run_rotates_nothing(shell: Shell, joined: Agent) -> None:
    planned = await shell.post(f"/hosts/{joined.host}/rotate?dry_run=true")
    assert planned.body["steps"] == [{"host": joined.host, "action": "rotate", "why": ""}]
    assert (await joined.report()).body["renew"] is False


async def test_a_host_without_a_certificate_has_none_renewed(shell: Shell, joined: Agent) -> None:
    assert joined.joined
    answer = await shell.post("/agents/renew", {"certificate_request": REQUEST}, token=joined.joined.agent_token)
    assert answer.status == 422
    assert "join it again" in answer.message


async def test_a_host_that_speaks_for_another_one_leaves_a_row(shell: Shell, joined: Agent) -> None:
    await shell.create()
    assert joined.joined
    verdict = {"code": "0", "msg": "all is well"}
    assert (await shell.put("/database/db/check", verdict, token=joined.joined.agent_token)).status == 403
    assert (await joined.send(joined.says(host="192.168.19.9:3335"))).status == 403

    async def kept() -> bool:
        rows = (await shell.get("/audit")).body["items"]
        return sum(row["about"] == joined.host and row["status"] == 403 for row in rows) == 2

    await look_until(kept, "a row for each", 5)
