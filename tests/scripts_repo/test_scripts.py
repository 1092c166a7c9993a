import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import psutil
import pytest

from tests.scripts_repo.instances import FOLLOWED, SOFTWARE, Instance, Row, wait_for

Make = Callable[..., Instance]


@pytest.fixture(params=[row for row in SOFTWARE if not row.slow], ids=str)
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = request.param
    return found


def test_it_is_installed_started_checked_and_stopped(instance: Instance) -> None:
    instance.do("install", "start")
    assert instance.check() == {"code": "0", "msg": instance.check()["msg"]}
    assert str(instance.port) in instance.check()["msg"]
    instance.do("stop")
    assert instance.check() == {"code": "1", "msg": f"{instance.row.name} does not run"}
    assert not instance.processes()


def test_a_server_is_detached_and_its_pid_is_written(instance: Instance) -> None:
    instance.do("install", "start")
    pid = instance.pid()
    assert os.getsid(pid) == pid
    assert psutil.Process(pid).exe().startswith(str(instance.folder))
    assert "pipe:" not in "".join(os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (0, 1, 2))
    assert (instance.folder / "log").is_dir()


def test_a_killed_server_is_seen_by_the_check_and_healed_by_restart(instance: Instance) -> None:
    instance.do("install", "start")
    killed = instance.pid()
    instance.kill()
    assert instance.check()["code"] == "1"
    instance.do("restart")
    assert instance.pid() != killed
    assert instance.check()["code"] == "0"


def test_a_killed_server_is_healed_by_start_too(instance: Instance) -> None:
    instance.do("install", "start")
    instance.kill()
    instance.do("start")
    assert instance.check()["code"] == "0"


def test_restart_is_a_new_process(instance: Instance) -> None:
    instance.do("install", "start")
    before = instance.pid()
    instance.do("restart")
    assert not psutil.pid_exists(before) or psutil.Process(before).status() == psutil.STATUS_ZOMBIE
    assert instance.check()["code"] == "0"


def test_every_script_may_run_twice_in_a_row(instance: Instance) -> None:
    instance.do("stop", "uninstall", "install", "install", "start")
    pid = instance.pid()
    instance.do("start", "install")
    assert instance.pid() == pid
    assert instance.check() == instance.check()
    instance.do("restart", "restart")
    assert instance.check()["code"] == "0"
    instance.do("stop", "stop", "uninstall", "uninstall")


def test_uninstall_ends_the_server_and_keeps_the_data_unless_it_is_purged(instance: Instance) -> None:
    instance.do("install", "start")
    kept = instance.folder / "data" / "kept"
    kept.write_text("data")
    instance.do("uninstall")
    assert not instance.processes()
    assert {path.name for path in instance.folder.iterdir()} == {"data", "log"}
    instance.do("install", "start")
    assert instance.check()["code"] == "0"
    assert kept.read_text() == "data"
    instance.do("uninstall", PURGE_DATA="true")
    assert not list(instance.folder.iterdir())


def test_two_instances_run_side_by_side(make: Make) -> None:
    one, other = make(), make()
    for instance in (one, other):
        instance.do("install", "start")
    assert [one.check()["code"], other.check()["code"]] == ["0", "0"]
    one.do("stop")
    assert [one.check()["code"], other.check()["code"]] == ["1", "0"]


def test_a_check_does_not_take_another_instances_server_for_its_own(make: Make) -> None:
    one, other = make(), make()
    for instance in (one, other):
        instance.do("install", "start")
    config = one.row.config
    (one.folder / config).write_text((other.folder / config).read_text())
    assert one.check()["code"] == "1", FOLLOWED
    assert f"another {one.row.name} than this instance's" in one.check()["msg"]


def test_a_taken_port_is_named(instance: Instance) -> None:
    instance.do("install")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", instance.port))
        taken.listen()
        done = instance.run("start")
    assert done.returncode == 1
    assert f"port {instance.port} is taken by another program" in done.stderr
    assert not instance.processes()


def test_bad_metadata_is_refused_with_a_sentence(make: Make) -> None:
    instance = make()
    instance.do("install")
    for key, value in instance.row.refused:
        for action in ("install", "start", "restart"):
            done = instance.run(action, **{key: value})
            assert (done.returncode, key in done.stderr) == (2, True), (key, value, done)
    assert not (instance.folder / instance.row.config).exists()
    assert not (instance.folder / "owned").exists()


def test_bad_metadata_leaves_a_running_server_alone(instance: Instance) -> None:
    instance.do("install", "start")
    pid = instance.pid()
    assert instance.run("restart", PORT="none").returncode == 2
    assert instance.pid() == pid
    assert instance.check()["code"] == "0"


def test_the_check_asks_what_runs_not_what_the_metadata_says_by_now(instance: Instance) -> None:
    instance.do("install", "start")
    instance.metadata["PORT"] = "1"
    assert instance.check()["code"] == "0"


def test_a_process_that_got_the_pid_since_is_left_alone(instance: Instance) -> None:
    instance.do("install")
    with subprocess.Popen(["sleep", "60"], user=instance.user) as stranger:
        (instance.folder / "pid").write_text(f"{stranger.pid}\n")
        assert instance.check()["code"] == "1"
        instance.do("stop", "uninstall")
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("content", [None, "", "1\n", "no number\n"])
def test_a_lost_pid_file_is_written_anew(instance: Instance, content: str | None) -> None:
    instance.do("install", "start")
    pid = instance.pid()
    file = instance.folder / "pid"
    file.unlink() if content is None else file.write_text(content)
    assert instance.check()["code"] == "0"
    instance.do("start")
    assert instance.pid() == pid
    instance.do("stop")
    assert not instance.processes()


def test_stop_says_that_a_server_did_not_end_and_does_not_kill_it(instance: Instance) -> None:
    instance.do("install", "start")
    os.kill(instance.pid(), signal.SIGSTOP)
    done = instance.run("stop", STOP_TIMEOUT="1")
    assert done.returncode == 1
    assert "did not end within 1 s" in done.stderr
    assert f"It is not killed, for it may be writing its data: kill -9 {instance.pid()} on the host" in done.stderr
    os.kill(instance.pid(), signal.SIGCONT)
    wait_for(lambda: not instance.processes())


def test_a_start_without_software_and_an_install_without_package_say_so(instance: Instance) -> None:
    assert "is not installed here" in instance.run("start").stderr
    done = instance.run("install", PACKAGE_FILE="")
    assert done.returncode == 1
    assert "no package" in done.stderr


def test_a_broken_package_leaves_the_installed_software_as_it_was(instance: Instance) -> None:
    instance.do("install")
    broken = instance.folder / "broken.tar.gz"
    broken.write_bytes((instance.scripts / f"{instance.row}.tar.gz").read_bytes()[:100_000])
    broken.chmod(0o644)
    assert "could not be unpacked" in instance.run("install", PACKAGE_FILE=str(broken)).stderr
    instance.do("start")
    assert instance.check()["code"] == "0"


def test_the_configuration_is_for_its_owner_only(instance: Instance) -> None:
    instance.folder.chmod(0o700)
    instance.do("install", "start")
    assert instance.check()["code"] == "0"
    assert stat.S_IMODE((instance.folder / instance.row.config).stat().st_mode) == 0o600


def test_a_folder_behind_a_link_with_blanks_in_its_name_is_as_good_as_any(instance: Instance) -> None:
    real = instance.folder / "with a blank"
    real.mkdir(mode=0o700)
    if instance.user:
        shutil.chown(real, instance.user)
    link = instance.folder / "link"
    link.symlink_to(real)
    elsewhere = replace(instance, folder=link)
    elsewhere.do("install", "start", "start")
    assert elsewhere.check()["code"] == "0"
    elsewhere.do("restart", "stop")
    assert not instance.processes()


@pytest.fixture
def babbler() -> Iterator[int]:
    """The port of a server that answers everybody with bytes that hurt."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def babble() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(4096)
                    connection.sendall(b'HTTP/1.0 200 OK\r\n\r\n"quoted" \\ \x00\x1b\xff\n"}\n{"code":"0"}')

        thread = threading.Thread(target=babble)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_check_is_valid_json_whatever_the_server_answers(instance: Instance, babbler: int) -> None:
    instance.do("install", "start")
    config = instance.folder / instance.row.config
    config.write_text(config.read_text().replace(str(instance.port), str(babbler)))
    assert instance.check()["code"] == "1", FOLLOWED
