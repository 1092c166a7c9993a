"""The wire: what both sides agree on, and how they judge."""

import json

import msgspec
import pytest

from paas_agent.contract import (
    ENDED,
    Cause,
    Change,
    Check,
    InstanceReport,
    Order,
    Outcome,
    Report,
    Status,
    judge,
)

SEED_ORDER = {
    "name": "mysql-5.6-single-192.168.19.100-xxx",
    "type": "database",
    "// operator_ip": "where operator in",
    "operator_ip": "192.168.19.13",
    "operator_port": "3335",
    "repo_url": "http://192.168.19.200:123/ftp/software/mysql/5.7/",
    "install": "install.sh",
    "start": "start.sh",
    "stop": "stop.sh",
    "restart": "restart.sh",
    "uninstall": "uninstall.sh",
    "check": "check.sh",
    "package": "mysql-5.7.tar.gz",
    "metadata": {"PACKAGE": "mysql-5.7.tar.gz", "APP_USER": "mysql", "APP_PASSWD": "MYSQL123"},
}
GOOD = Check(code="0", msg="fine")


def judged(
    status: Status, check: Check | None = None, *, alive: bool | None = None, fall: int = 2, rise: int = 1
) -> tuple[Status, Cause, str] | None:
    return judge(status, installed=True, alive=alive, check=check, fall=fall, rise=rise)


def bad(streak: int) -> Check:
    return Check(code="7", msg="no answer", streak=streak)


# The wire


def test_the_body_of_the_seed_is_an_order() -> None:
    order = msgspec.json.decode(json.dumps(SEED_ORDER), type=Order)
    assert (order.name, order.type, order.operator_port) == (SEED_ORDER["name"], "database", "3335")
    assert order.metadata["APP_PASSWD"] == "MYSQL123"
    assert order.operation_id == ""


def test_keys_that_a_newer_side_sends_are_ignored() -> None:
    newer = json.dumps(SEED_ORDER | {"since-2031": {"more": [1, 2]}})
    assert msgspec.json.decode(newer, type=Order) == msgspec.json.decode(json.dumps(SEED_ORDER), type=Order)


@pytest.mark.parametrize("missing", ["name", "type", "repo_url", "install", "start", "stop", "check", "uninstall"])
def test_an_order_without_a_needed_key_is_refused_by_its_name(missing: str) -> None:
    body = {key: value for key, value in SEED_ORDER.items() if key != missing}
    with pytest.raises(msgspec.ValidationError, match=missing):
        msgspec.json.decode(json.dumps(body), type=Order)


def test_ports_are_strings_on_the_wire() -> None:
    with pytest.raises(msgspec.ValidationError, match="operator_port"):
        msgspec.json.decode(json.dumps(SEED_ORDER | {"operator_port": 3335}), type=Order)


@pytest.mark.parametrize("status", ["unknow", "starting", "restart", "RUNNING", ""])
def test_an_agent_reports_only_stable_states_that_it_can_see(status: str) -> None:
    body = {"type": "database", "name": "db", "status": status, "installed": True}
    with pytest.raises(msgspec.ValidationError, match="status"):
        msgspec.json.decode(json.dumps(body), type=InstanceReport)


def test_a_change_says_from_and_to() -> None:
    change = Change(number=1, type="database", name="db", before="running", after="failed", at=1.5, cause="exit")
    wire = json.loads(msgspec.json.encode(change))
    assert (wire["from"], wire["to"]) == ("running", "failed")
    assert msgspec.json.decode(msgspec.json.encode(change), type=Change) == change


def test_a_report_comes_back_as_it_was_sent() -> None:
    instance = InstanceReport(type="middleware", name="web", status="running", installed=True, alive=True, check=GOOD)
    outcome = Outcome(operation_id="op", type="middleware", name="web", action="start", state="timed-out",
                      status="failed", installed=True, fault="software", exit_code=None, alive=False)  # fmt: skip
    report = Report(host="h1:3335", epoch="e", sequence=7, full=True, sent_at=1.5, instances=[instance],
                    outcomes=[outcome], facts={"cpus": 2, "load": 0.5, "os": "Debian"})  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_what_is_empty_costs_no_byte() -> None:
    small = InstanceReport(type="middleware", name="web", status="stopped", installed=True)
    assert set(json.loads(msgspec.json.encode(small))) == {"type", "name", "status", "installed"}


def test_an_operation_has_ended_in_one_of_five_ways() -> None:
    assert {"succeeded", "failed", "timed-out", "cancelled", "interrupted"} == ENDED


@pytest.mark.parametrize(("code", "good"), [("0", True), ("1", False), ("", False), ("00", False), ("OK", False)])
def test_only_the_string_0_is_good(code: str, good: bool) -> None:
    assert Check(code=code).good is good


# How both sides judge


@pytest.mark.parametrize("status", ["not-installed", "running", "stopped", "failed"])
@pytest.mark.parametrize("check", [None, GOOD, bad(9)])
def test_what_is_not_installed_is_not_judged(status: Status, check: Check | None) -> None:
    assert judge(status, installed=False, alive=False, check=check, fall=1, rise=1) is None


def test_the_end_of_the_watched_process_counts_at_once() -> None:
    assert judged("running", GOOD, alive=False, fall=100) == ("failed", "exit", "the watched process is gone")
    assert judged("running", None, alive=False) == ("failed", "exit", "the watched process is gone")


def test_running_falls_with_the_last_of_its_bad_checks_and_says_what_it_said() -> None:
    assert judged("running", bad(1)) is None
    assert judged("running", bad(2)) == ("failed", "check", "check 7: no answer")
    assert judged("running", Check(code="7", streak=2)) == ("failed", "check", "check 7")


@pytest.mark.parametrize("status", ["failed", "stopped"])
def test_a_good_check_makes_it_running_again(status: Status) -> None:
    assert judged(status, GOOD) == ("running", "check", "fine")
    assert judged(status, Check(code="0")) == ("running", "check", "the check is good")
    assert judged(status, GOOD, rise=2) is None
    assert judged(status, Check(code="0", streak=2), rise=2) is not None


@pytest.mark.parametrize("status", ["failed", "stopped"])
def test_a_good_check_without_its_process_proves_nothing(status: Status) -> None:
    assert judged(status, GOOD, alive=False) is None


def test_a_bad_check_confirms_what_is_stopped_or_failed() -> None:
    assert judged("stopped", bad(99)) is None
    assert judged("failed", bad(99)) is None


def test_a_good_check_of_what_runs_changes_nothing() -> None:
    assert judged("running", GOOD, alive=True) is None
    assert judged("running", None, alive=None) is None
