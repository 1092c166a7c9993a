"""The create body: each field wrong in turn is a 400 that names it, and creates nothing."""

import copy
from typing import Any

import pytest

from tests.controller.shell import Shell, body

WRONG: list[tuple[str, list[Any]]] = [
    ("name", ["", "-db", "a/b", "a b", "x" * 129, "create", "status", "db\n", "dä", 7, None]),
    ("host", [[], {}, None, "192.168.19.100"]),
    ("host.0.ip", ["", "1.2.3", "a b", "a/b", "256.1.1.1", 7, None]),
    ("host.0.agent_port", [0, 65536, -1, "x", None, 1.5]),
    ("host.0.ssh_port", [0, 65536, "x"]),
    ("host.0.auth", [{}, "root", [{"username": "a"}] * 3]),
    ("host.0.auth.0.username", ["", None, 7, "x" * 129, "a\x00", "a\nb", "root\n"]),
    ("host.0.auth.0.password", [7, None]),
    ("host.0.auth.0.private_key", [7, None]),
    ("app", [None, [], "mysql"]),
    ("app.repo_url", ["", "ftp://r/", "http://", "http:///x", "http://u:p@r/", "http://r/?a=1", "http://r/#a", "r/x",
                      "http://r:99999/", "http://r:0/", "http://r/ x", "http://" + "r" * 2050, 7, None]),
    *((f"app.{script}", ["", ".sh", "../x", "a/b", "a\nb", "x" * 256, 7, None])
      for script in ("install", "start", "stop", "check", "uninstall")),
    ("app.restart", [".sh", "a/b", 7, None]),
    ("app.package", [".tar", "a/b", 7, None]),
    ("app.metadata", [[], "a", {"A B": "1"}, {"1A": "1"}, {"": "1"}, {"PATH": "/"}, {"LD_PRELOAD": "x"}, {"HOME": "/"},
                      {"INSTANCE_DIR": "/"}, {"A": "\x00"}, {"A" * 256: ""},
                      {f"A{number}": "" for number in range(257)}]),
    ("app.metadata.A", [1, None, [], "x" * 30_001]),
    ("app.status", ["running", [], {"realtime": "failed"}, {"realtime": "unknow"}]),
    ("app.status.expect", ["restart", "failed", "unknow", "starting", "", 7]),
    ("app.status.realtime", ["installing", "restarting", "uninstalling", "", 7]),
    ("app.check_interval", [0, 0.5, 3601, "x", None]),
    ("app.check_fall", [0, 101, "x", 1.5]),
    ("app.check_rise", [0, 101, "x"]),
    ("app.self_heal", ["sometimes", "", 7]),
    ("app.timeouts.check", [3601]),
    *((f"app.timeouts.{action}", [0, -1, 86401, "x", None])
      for action in ("install", "uninstall", "restart", "start", "stop", "check")),
]  # fmt: skip
UNKNOWN = ["nme", "host.0.port", "host.0.auth.0.passwd", "app.repo", "app.status.real", "app.timeouts.purge"]
REQUIRED = ["name", "host", "host.0.ip", "app"] + [
    f"app.{key}" for key in ("repo_url", "install", "start", "stop", "check", "uninstall")
]


def _with(path: str, value: Any) -> dict[str, Any]:
    """A sound body with this value at this place."""
    document, keys = copy.deepcopy(body()), path.split(".")
    here: Any = document
    document["host"][0]["auth"] = [{"username": "root"}]
    document["app"] |= {"metadata": {}, "status": {}, "timeouts": {}}
    for key in keys[:-1]:
        here = here[int(key)] if isinstance(here, list) else here[key]
    here[keys[-1]] = value
    return document


async def test_each_field_wrong_in_turn_is_a_400_that_names_it(shell: Shell) -> None:
    for path, values in WRONG:
        for value in values:
            refused = await shell.post("/database/create", _with(path, value))
            assert refused.status == 400, f"{path} = {value!r}"
            assert refused.message.startswith(path), f"{path} = {value!r}: {refused.message}"
    assert (await shell.get("/database")).body["items"] == []
    assert (await shell.get("/hosts")).body["items"] == []


async def test_a_number_where_a_text_belongs_is_shown_in_quotes(shell: Shell) -> None:
    labelled = await shell.post("/database/create", body() | {"labels": {"a": 7}})
    assert labelled.message == 'labels.a: must be a text; write it in quotes, as in "7"'
    of_scripts = await shell.post("/database/create", body(metadata={"A": True}))
    assert of_scripts.message == 'app.metadata.A: must be a text; write it in quotes, as in "true"'


async def test_each_field_that_is_missing_is_named(shell: Shell) -> None:
    for path in REQUIRED:
        document, keys = copy.deepcopy(body()), path.split(".")
        here: Any = document
        for key in keys[:-1]:
            here = here[int(key)] if isinstance(here, list) else here[key]
        del here[keys[-1]]
        refused = await shell.post("/database/create", document)
        assert (refused.status, refused.message) == (400, f"{path} is missing")


async def test_a_key_that_is_unknown_is_named_with_those_allowed_there(shell: Shell) -> None:
    for path in UNKNOWN:
        refused = await shell.post("/database/create", _with(path, "x"))
        assert refused.status == 400
        assert refused.message.startswith(f"{path}: no such key; allowed here: "), refused.message
    told = (await shell.post("/database/create", _with("host.0.port", 1))).message
    assert told.endswith("agent_port, auth, ip, ssh_port")


async def test_several_faults_are_all_told(shell: Shell) -> None:
    refused = await shell.post("/database/create", _with("app.check_fall", 0) | {"name": "-", "nme": 1})
    assert refused.message == "3 things are wrong"
    assert len(refused.body["error"]["details"]) == 3


async def test_one_host_twice_is_refused(shell: Shell) -> None:
    refused = await shell.post("/database/create", body("db", "h1:3335", "h2:3335", "h1:3335"))
    assert refused.status == 400
    assert refused.message == "host: h1:3335 is named twice"
    assert (await shell.post("/database/create", body("db", "h1:3335", "h1:3336"))).status == 201


async def test_a_trailing_comma_is_a_400_that_names_line_and_column(shell: Shell) -> None:
    refused = await shell.post("/database/create", b'{\n  "name": "db",\n}')
    assert refused.status == 400
    assert "line 3 column 1" in refused.message


async def test_comment_keys_are_ignored_and_not_stored(shell: Shell) -> None:
    document = _with("app.// status", "said") | {"// name": {"any": ["thing"]}}
    document["app"]["metadata"] = {"// A": "said", "B": "1"}
    created = await shell.post("/database/create", document)
    assert created.status == 201
    assert "//" not in str(created.body).replace("http://", "")
    assert "//" not in str((await shell.get("/database/db")).body).replace("http://", "")


@pytest.mark.parametrize("name", ["a", "7", "x" * 128, "mysql-5.7_192.168.19.100", "running", "check"])
async def test_a_name_may_be_any_word_that_leads_nowhere_else(shell: Shell, name: str) -> None:
    assert (await shell.post("/database/create", body(name))).status == 201
    assert (await shell.get(f"/database/{name}/status")).body["name"] == name


async def test_the_programs_own_metadata_is_taken_and_not_kept(shell: Shell) -> None:
    own = {"REPO_URL": "http://other/", "PACKAGE": "x", "CreateAt": "1999-01-01 00:00:00", "A": "1"}
    created = await shell.post("/database/create", body(metadata=own))
    assert created.body["app"]["metadata"] == {"A": "1", "CreateAt": "2026-06-28 10:00:00"}
