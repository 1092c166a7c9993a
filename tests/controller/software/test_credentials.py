"""Where the credentials of a spec's hosts are kept, and where they are not."""

from pathlib import Path

import pytest

from tests.controller.shell import Shell, body

AUTH = [{"username": "root", "password": "root123"}]
SHOWN = [{"username": "root", "password": "******"}]


@pytest.mark.parametrize(("forget", "of_the_spec"), [(False, SHOWN), (True, [])])
async def test_credentials_that_are_to_be_forgotten_are_kept_at_the_host_alone(
    tmp_path: Path, forget: bool, of_the_spec: list[dict[str, str]]
) -> None:
    shell = Shell(tmp_path / "data", settings={"forget_credentials": forget})
    shell.folder.mkdir()
    await shell.start()
    try:
        named = body() | {"host": [{"ip": "h1", "auth": AUTH}]}
        assert (await shell.post("/database/create", named)).status == 201
        for _ in "as it was written", "as it is read":
            assert (await shell.get("/database/db")).body["host"][0].get("auth", []) == of_the_spec
            assert (await shell.get("/hosts/h1:3335")).body["auth"] == [SHOWN[0] | {"private_key": ""}]
            await shell.restart()
    finally:
        await shell.stop()
