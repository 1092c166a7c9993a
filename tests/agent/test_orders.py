"""An order from its bytes: what is read, what is refused, what the scripts see."""

import json
from typing import Any

import pytest

from paas_agent import orders
from paas_agent.contract import Order, secrets_of
from paas_agent.errors import Refused

SEED: dict[str, Any] = {
    "name": "mysql-5.6-single-192.168.19.100-xxx",
    "type": "database",
    "// operator_ip": "where operator in",
    "operator_ip": "192.168.19.13",
    "operator_port": "3335",
    "repo_url": "http://192.168.19.200:123/ftp/software/mysql/5.7/",
    **{name: f"{name}.sh" for name in ("install", "start", "stop", "restart", "uninstall", "check")},
    "package": "mysql-5.7.tar.gz",
    "metadata": {
        "// repo_url and package": "REPO_URL & PACKAGE are copy of repo_url & package",
        "REPO_URL": "http://192.168.19.200:123/ftp/software/mysql/5.7/",
        "PACKAGE": "another.tar.gz",
        "CreateAt": "2019-05-29 10:33:55",
        "APP_USER": "mysql",
        "APP_PASSWD": "MYSQL123",
    },
}


def parse(**changed: Any) -> Order:
    return orders.parse(json.dumps({**SEED, **changed}).encode())


def test_the_documents_example_is_read_and_its_comments_are_not() -> None:
    order = parse()
    assert order.metadata == {"CreateAt": "2019-05-29 10:33:55", "APP_USER": "mysql", "APP_PASSWD": "MYSQL123"}
    assert (order.operation_id, order.timeout) == ("", 0)


def test_a_script_sees_the_metadata_and_what_the_agent_says_of_the_place() -> None:
    order = parse(host_ip="192.0.2.1", hosts=["192.0.2.1", "192.0.2.2"], host_index=1)
    assert orders.environment(order, "start", "/srv/agent/instances/x") == {
        "PATH": orders.PATH,
        "LANG": "C.UTF-8",
        "HOME": "/srv/agent/instances/x",
        "REPO_URL": SEED["repo_url"],
        "PACKAGE": "mysql-5.7.tar.gz",
        "INSTANCE_NAME": SEED["name"],
        "INSTANCE_KIND": "database",
        "INSTANCE_DIR": "/srv/agent/instances/x",
        "ACTION": "start",
        "HOST_IP": "192.0.2.1",
        "HOSTS": "192.0.2.1 192.0.2.2",
        "HOST_INDEX": "1",
        "CreateAt": "2019-05-29 10:33:55",
        "APP_USER": "mysql",
        "APP_PASSWD": "MYSQL123",
    }


def test_secrets_are_known_by_the_words_in_their_keys() -> None:
    order = parse(
        metadata={"app_pwd": "hidden1", "API_KEY": "hidden22", "PASS": "abc", "USER": "shown", "T_TOKEN": "t0k"}
    )
    assert secrets_of(order.metadata) == ["hidden22", "hidden1"]
    assert orders.mask("hidden1 hidden22 shown", order) == "******* ******** shown"


BROKEN = [
    ("{" * 100_000, "JSON"),
    ("[" * 100_000, ""),
    ('{"name": ' * 100_000, ""),
    ('{"a":' * 100_000 + "1" + "}" * 100_000, ""),
    ('{"name": "x",\n}', "line 2, column 1"),
    ("", "JSON"),
    ("\xff", ""),
    ("[]", "object"),
    ("null", "object"),
    ('{"name": "x"}', "type"),
]


@pytest.mark.parametrize(("text", "hint"), BROKEN)
def test_what_is_no_order_is_refused_with_the_place(text: str, hint: str) -> None:
    with pytest.raises(Refused) as refused:
        orders.parse(text.encode("latin-1"))
    assert refused.value.status == 400
    assert hint in refused.value.message


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": ".."}, "name"),
    ({"name": "../../etc"}, "name"),
    ({"name": "/etc/passwd"}, "name"),
    ({"name": "a\nb"}, "name"),
    ({"name": "x" * 129}, "name"),
    ({"name": 7}, "name"),
    ({"type": "../x"}, "type"),
    ({"operation_id": "../../x"}, "operation_id"),
    ({"operation_id": ".."}, "operation_id"),
    ({"install": "../install.sh"}, "install"),
    ({"install": "/bin/sh"}, "install"),
    ({"install": ".hidden"}, "install"),
    ({"install": ""}, "install"),
    ({"install": "a\nb"}, "install"),
    ({"restart": "a/b"}, "restart"),
    ({"package": "../x.tar.gz"}, "package"),
    ({"repo_url": "file:///etc/"}, "repo_url"),
    ({"repo_url": "http://x/\nHost: y"}, "repo_url"),
    ({"metadata": {"LD_PRELOAD": "/tmp/x.so"}}, "LD_PRELOAD"),
    ({"metadata": {"PATH": "/tmp"}}, "PATH"),
    ({"metadata": {"A B": "x"}}, "A B"),
    ({"metadata": {"A=B": "x"}}, "A=B"),
    ({"metadata": {"A": "x\0y"}}, "NUL"),
    ({"metadata": {"A": 1}}, "metadata"),
    ({"timeout": -1}, "timeout"),
    ({"check_interval": 0}, "check_interval"),
    ({"check_fall": 0}, "check_fall"),
    ({"hosts": ["a\0b"]}, "NUL"),
    ({"metadata": {"A": "\ud800"}}, ""),
    ({"metadata": {"A": "x" * 200_000}}, "A"),
]


@pytest.mark.parametrize(("changed", "hint"), WRONG)
def test_an_order_that_reaches_out_of_its_place_is_refused(changed: dict[str, Any], hint: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(**changed)
    assert refused.value.status == 400
    assert hint in refused.value.message
