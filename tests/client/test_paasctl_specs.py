"""Specs that are created, applied and edited; dry runs; labels. Against a real controller."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from paas_client.client import Client
from tests.client.conftest import Agents, Paasctl

Body = Callable[..., dict[str, Any]]


def editing(folder: Path, python: str) -> str:
    """An $EDITOR that changes the file at `path` by a line of Python."""
    script = folder / "editor.py"
    script.write_text(f"import sys, pathlib\npath = pathlib.Path(sys.argv[-1])\n{python}\n")
    return f"python3 {script}"


async def apply(paasctl: Paasctl, document: dict[str, Any], *options: str) -> Any:
    return await paasctl("db", "apply", "-f", "-", *options, stdin=json.dumps(document))


async def test_what_is_not_there_is_created_and_what_is_there_is_changed(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    assert (await apply(paasctl, body(name))).code == 0
    changed = await apply(paasctl, body(name, metadata={"PORT": "1"}) | {"labels": {"team": "shop"}}, "-o", "json")
    assert (changed.code, changed.document["name"]) == (0, name)
    record = await client.database.get(name)
    assert (record.app.metadata["PORT"], record.labels, record.generation) == ("1", {"team": "shop"}, 2)


async def test_a_record_that_was_shown_as_yaml_may_be_written_back(
    paasctl: Paasctl, client: Client, name: str, body: Body, tmp_path: Path
) -> None:
    await client.database.create(body(name, metadata={"PASSWORD": "s3cret", "PORT": "1"}))
    shown = (await paasctl("db", "show", name, "-o", "yaml")).out
    file = tmp_path / "spec.yaml"
    file.write_text(shown.replace("PORT: '1'", "PORT: '2'"))
    ended = await paasctl("db", "apply", "-f", str(file), "-o", "yaml")
    assert ended.code == 0, ended.err
    assert yaml.safe_load(ended.out)["name"] == name
    assert (await client.database.get(name)).app.metadata["PORT"] == "2"


async def test_a_change_is_applied_at_once_and_waited_for(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent = await new_agent()
    await client.database.create(body(name, agent.port))
    assert (await paasctl("db", "running", name, "--wait")).code == 0
    document = body(name, agent.port, metadata={"PORT": "1"})
    assert (await apply(paasctl, document)).code == 0
    assert "drift" in (await paasctl("db", "show", name)).out
    assert (await apply(paasctl, document, "--restart", "--wait")).code == 0
    assert [action for action, _ in agent.orders] == ["install", "start", "restart"]
    assert (await apply(paasctl, document, "--reinstall", "--wait")).code == 0
    assert [action for action, _ in agent.orders][3:] == ["install", "start"]
    assert "drift" not in (await paasctl("db", "show", name)).out


async def test_what_becomes_of_a_host_taken_off_must_be_said(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    await client.database.create(body(name, 1, 2, status={"realtime": "stopped"}))
    refused = await apply(paasctl, body(name, 1))
    assert refused.code == 6
    assert "- --removed orphan forgets it there" in refused.err
    assert (await apply(paasctl, body(name, 1), "--removed", "orphan")).code == 0
    assert [member.host for member in (await client.database.get(name)).members] == ["127.0.0.1:1"]


async def test_what_the_file_expects_is_no_wish_and_the_command_for_it_is_named(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    await client.database.create(body(name))
    ended = await apply(paasctl, body(name, status={"expect": "running"}))
    assert ended.code == 0
    assert f"it is still expected not-installed; to change that: paasctl database running {name}" in ended.err


@pytest.mark.parametrize("command", ["running", "stopped", "uninstall", "restart"])
async def test_the_steps_of_a_wish_are_shown_and_not_taken(
    paasctl: Paasctl, client: Client, name: str, body: Body, command: str
) -> None:
    await client.database.create(body(name, status={"realtime": "running"}))
    ended = await paasctl("db", command, name, "--dry-run", "-o", "json")
    assert ended.code == 0, ended.err
    actions = {"running": [], "stopped": ["stop"], "uninstall": ["stop", "uninstall"], "restart": ["restart"]}
    assert [step["action"] for step in ended.document["steps"]] == actions[command]
    status = (await client.database.status(name)).status
    assert (status.expect, status.realtime) == ("running", "running")


async def test_a_dry_run_is_a_table_for_people(paasctl: Paasctl, name: str, body: Body) -> None:
    document = body(name, status={"expect": "running"})
    ended = await apply(paasctl, document, "--dry-run")
    assert ended.code == 0
    assert ended.out.splitlines()[0].split() == ["HOST", "ACTION", "WHY"]
    assert "127.0.0.1:1  install  127.0.0.1:1 has no agent yet" in ended.out
    assert (await paasctl("db", "show", name)).code == 3


async def test_nothing_to_do_is_said(paasctl: Paasctl, client: Client, name: str, body: Body) -> None:
    await client.database.create(body(name))
    for command in ("uninstall", "hold", "release"):
        ended = await paasctl("db", command, name, "--dry-run")
        assert (ended.code, ended.out, ended.err) == (0, "", "nothing would be done\n")


async def test_a_deletion_is_rehearsed(paasctl: Paasctl, client: Client, name: str, body: Body) -> None:
    await client.database.create(body(name, status={"realtime": "stopped"}))
    ended = await paasctl("db", "delete", name, "--uninstall", "--dry-run", "-o", "json")
    assert [step["action"] for step in ended.document["steps"]] == ["uninstall", "forget"]
    assert (await paasctl("db", "delete", name, "--dry-run")).code == 6
    assert (await paasctl("db", "show", name)).code == 0


async def test_a_list_is_narrowed_to_labels_hosts_and_drift(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    await client.middleware.create(body(f"{name}-a", 41) | {"labels": {"team": name, "tier": "1"}})
    await client.middleware.create(body(f"{name}-b", 42) | {"labels": {"team": name}})
    await client.middleware.expect(f"{name}-b", "stopped")

    async def listed(*options: str) -> list[str]:
        ended = await paasctl("mw", "list", "-l", f"team:{name}", *options, "-o", "yaml")
        return [item["name"].removeprefix(f"{name}-") for item in yaml.safe_load(ended.out)]

    assert await listed() == ["a", "b"]
    assert await listed("--label", "tier:1") == ["a"]
    assert await listed("--host", "127.0.0.1:42") == ["b"]
    assert await listed("--drift") == ["b"]
    wrong = await paasctl("mw", "list", "-l", "team")
    assert wrong.code == 1
    assert "key:value" in wrong.err


async def test_the_list_says_what_is_held_and_what_drifts(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    await client.middleware.create(body(name, 43) | {"labels": {"tier": "1"}})
    await client.middleware.expect(name, "stopped")
    await client.middleware.hold(name)
    line = next(line for line in (await paasctl("mw", "list")).out.splitlines() if line.startswith(f"{name} "))
    assert re.split("  +", line.strip())[1:] == ["stopped", "not-installed", "held, drift", "127.0.0.1:43", "tier:1"]


async def test_a_spec_is_edited_and_its_secrets_stay(
    paasctl: Paasctl, client: Client, name: str, body: Body, tmp_path: Path
) -> None:
    await client.database.create(body(name, metadata={"PASSWORD": "s3cret", "PORT": "1"}))
    change = """path.write_text(path.read_text().replace("PORT: '1'", "PORT: '2'"))"""
    ended = await paasctl.with_(EDITOR=editing(tmp_path, change))("db", "edit", name)
    assert ended.code == 0, ended.err
    record = await client.database.get(name)
    assert (record.app.metadata["PORT"], record.generation) == ("2", 2)


async def test_an_editor_that_changes_nothing_changes_nothing(
    paasctl: Paasctl, client: Client, name: str, body: Body, tmp_path: Path
) -> None:
    await client.database.create(body(name))
    ended = await paasctl.with_(EDITOR=editing(tmp_path, "pass"))("db", "edit", name)
    assert (ended.code, ended.err) == (0, "nothing was changed\n")
    missing = await paasctl.with_(EDITOR="no-such-editor")("db", "edit", name)
    assert missing.code == 2
    assert "set EDITOR" in missing.err


async def test_whoever_edits_beside_another_is_told_and_keeps_the_text(
    paasctl: Paasctl, client: Client, name: str, body: Body, tmp_path: Path
) -> None:
    await client.database.create(body(name))
    text = json.dumps(body(name) | {"labels": {"by": "another"}})
    (tmp_path / "other.json").write_text(text)
    meanwhile = f"""
import subprocess
subprocess.run(["{paasctl.command}", "db", "apply", "-f", "{tmp_path}/other.json"], check=True, capture_output=True)
path.write_text(path.read_text().replace("labels: {{}}", "labels: {{by: me}}"))
"""
    ended = await paasctl.with_(EDITOR=editing(tmp_path, meanwhile), TMPDIR=str(tmp_path))("db", "edit", name)
    assert ended.code == 6
    assert "somebody changed it since you read it; read it again" in ended.err
    kept = Path(ended.err.rpartition("apply -f ")[2].strip())
    assert "by: me" in kept.read_text()
    assert (await client.database.get(name)).labels == {"by": "another"}


async def test_what_was_edited_and_is_no_yaml_is_kept(
    paasctl: Paasctl, client: Client, name: str, body: Body, tmp_path: Path
) -> None:
    await client.database.create(body(name))
    broken = paasctl.with_(EDITOR=editing(tmp_path, "path.write_text('name: [')"), TMPDIR=str(tmp_path))
    ended = await broken("db", "edit", name)
    assert ended.code == 2
    assert "is not YAML: line 1" in ended.err
    assert Path(ended.err.rpartition("apply -f ")[2].strip()).read_text() == "name: ["
