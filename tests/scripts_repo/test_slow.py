"""What holds for every software, in few starts: for those that take seconds for one."""

import os
import shutil
import socket
import stat
from collections.abc import Callable
from dataclasses import replace

import psutil
import pytest

from tests.scripts_repo.conftest import USERS
from tests.scripts_repo.instances import FOLLOWED, SOFTWARE, Instance, Row, wait_for

Make = Callable[..., Instance]

unprivileged = pytest.mark.parametrize("make", USERS[-1:], indirect=True)


@pytest.fixture(params=[row for row in SOFTWARE if row.slow], ids=str)
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = request.param
    return found


def test_it_is_installed_started_found_again_and_healed(instance: Instance) -> None:
    instance.do("stop", "uninstall", "install", "start")
    pid = instance.pid()
    assert os.getsid(pid) == pid
    assert psutil.Process(pid).exe().startswith(str(instance.folder))
    assert instance.check() == {"code": "0", "msg": instance.check()["msg"]}
    assert str(instance.port) in instance.check()["msg"]
    assert stat.S_IMODE((instance.folder / instance.row.config).stat().st_mode) == 0o600
    (instance.folder / "pid").unlink()
    instance.do("start")
    assert instance.pid() == pid
    assert instance.run("restart", PORT="none").returncode == 2
    assert instance.check()["code"] == "0"
    instance.kill()
    assert instance.check()["code"] == "1"
    instance.do("start")
    assert instance.pid() != pid
    assert instance.check()["code"] == "0"


@unprivileged
def test_it_is_stopped_uninstalled_and_installed_again_with_its_data(instance: Instance) -> None:
    real = instance.folder / "with a blank"
    real.mkdir(mode=0o700)
    if instance.user:
        shutil.chown(real, instance.user)
    (instance.folder / "link").symlink_to(real)
    elsewhere = replace(instance, folder=instance.folder / "link")
    elsewhere.do("install", "start", "install", "stop", "stop")
    assert elsewhere.check() == {"code": "1", "msg": f"{instance.row.name} does not run"}
    assert not instance.processes()
    (real / "data" / "kept").write_text("data")
    elsewhere.do("uninstall", "uninstall")
    assert {path.name for path in real.iterdir()} == {"data", "log"}
    elsewhere.do("install", "restart")
    assert elsewhere.check()["code"] == "0"
    assert (real / "data" / "kept").read_text() == "data"
    elsewhere.do("uninstall", PURGE_DATA="true")
    assert not instance.processes()
    assert not list(real.iterdir())


@unprivileged
def test_two_instances_run_side_by_side_and_neither_takes_the_other_for_itself(make: Make) -> None:
    one, other = make(), make()
    for instance in (one, other):
        instance.do("install", "start")
    assert [one.check()["code"], other.check()["code"]] == ["0", "0"]
    config = one.row.config
    (one.folder / config).write_text((other.folder / config).read_text())
    assert one.check()["code"] == "1", FOLLOWED
    assert f"another {one.row.name} than this instance's" in one.check()["msg"]
    one.do("stop")
    assert [one.check()["code"], other.check()["code"]] == ["1", "0"]


@unprivileged
def test_a_taken_port_is_named(instance: Instance) -> None:
    instance.do("install")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", instance.port))
        taken.listen()
        done = instance.run("start", BIND="127.0.0.1")
    assert done.returncode == 1
    assert f"port {instance.port} is taken by another program" in done.stderr
    wait_for(lambda: not instance.processes())


@unprivileged
def test_bad_metadata_is_refused_with_a_sentence(instance: Instance) -> None:
    instance.do("install")
    for key, value in instance.row.refused:
        for action in ("install", "start", "restart"):
            done = instance.run(action, **{key: value})
            assert (done.returncode, key in done.stderr) == (2, True), (key, value, done)
    assert not (instance.folder / instance.row.config).exists()
    assert not (instance.folder / "owned").exists()
