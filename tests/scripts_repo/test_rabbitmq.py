import json
import subprocess
from base64 import b64encode
from collections.abc import Callable
from urllib.request import Request, urlopen

import pika
import pika.exceptions
import pytest

from tests.scripts_repo.instances import SOFTWARE, Instance, Row, wait_for
from tests.scripts_repo.test_slow import unprivileged
from tests.testbeds.ports import free_port

HARD_PASSWORD = "$(touch owned) `touch owned` ${HOME} 'single' #;|& * {<<%"

pytestmark = unprivileged


@pytest.fixture
def row() -> Row:
    return next(row for row in SOFTWARE if row.name == "rabbitmq")


def connect(instance: Instance, password: str) -> pika.BlockingConnection:
    login = pika.PlainCredentials("admin", password)
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", instance.port, credentials=login))


def test_a_message_survives_kill_uninstall_and_install(instance: Instance) -> None:
    instance.do("install", "start")
    with connect(instance, "secret") as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("colours", durable=True)
        kept = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent.value)
        channel.basic_publish("", "colours", b"blue", kept)
    # RabbitMQ confirms a queue up to two seconds before the decision that it exists is in the file.
    assert control(instance, "eval", "mnesia:sync_log().") == "ok\n"
    instance.kill()
    instance.do("uninstall", "install", "start")
    assert instance.libraries_of_the_host() == set()
    with connect(instance, "secret") as connection:
        _, _, message = connection.channel().basic_get("colours", auto_ack=True)
    assert message == b"blue"


def test_only_the_password_opens_and_it_stands_in_no_argument_no_environment_and_no_log(
    make: Callable[..., Instance],
) -> None:
    instance = make(PASSWORD=HARD_PASSWORD)
    instance.do("install", "start")
    with connect(instance, HARD_PASSWORD) as connection:
        assert connection.is_open
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        connect(instance, "guessed")
    assert "guest" not in control(instance, "list_users")
    log = instance.folder / "log" / "rabbitmq.log"
    assert HARD_PASSWORD not in instance.do("check") + log.read_text()
    for process in instance.processes():
        assert HARD_PASSWORD not in " ".join([*process.environ().values(), *process.cmdline()])
    assert not list(instance.folder.rglob("owned"))
    before = log.read_text()
    assert instance.check()["code"] == "0"
    assert log.read_text() == before
    control(instance, "change_password", "admin", "another")
    assert "does not let admin in" in instance.check()["msg"]


def test_changed_metadata_and_files_count_from_the_restart_on(instance: Instance) -> None:
    instance.do("install", "start")
    assert instance.listeners() == {("0.0.0.0", instance.port), ("127.0.0.1", control_port(instance))}
    pages = free_port()
    instance.metadata |= {"PASSWORD": "second", "MANAGEMENT_PORT": str(pages), "MEMORY_LIMIT": "1", "BIND": "127.0.0.1"}
    own = instance.folder / "data" / "conf.d" / "own.conf"
    own.write_text("channel_max = 99\n")
    own.chmod(0o644)
    assert instance.check()["code"] == "0"
    instance.do("restart")
    login = {"Authorization": "Basic " + b64encode(b"admin:second").decode()}
    with urlopen(Request(f"http://127.0.0.1:{pages}/api/whoami", headers=login), timeout=10) as answer:
        assert json.load(answer)["tags"] == ["administrator"]
    assert instance.listeners() == {("127.0.0.1", n) for n in (instance.port, pages, control_port(instance))}
    assert "{channel_max,99}" in control(instance, "environment")
    wait_for(lambda: "it is short of [memory]" in instance.check()["msg"])
    assert instance.check()["code"] == "0"


def control_port(instance: Instance) -> int:
    return int((instance.folder / "erl.args").read_text().split()[-1])


def control(instance: Instance, *words: str) -> str:
    command = [instance.folder / "software" / "bin" / "rabbitmqctl", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, user=instance.user).stdout
