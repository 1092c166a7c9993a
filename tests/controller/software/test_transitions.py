from itertools import product
from typing import get_args

import pytest

from paas_controller.software.states import EXPECTATIONS, IN_BETWEEN, REALTIMES, Expect, Realtime
from paas_controller.software.transitions import GRID, Row, Step, row, step

SUCCESS: dict[Step, tuple[Realtime, bool]] = {
    "install": ("stopped", True),
    "start": ("running", True),
    "restart": ("running", True),
    "stop": ("stopped", True),
    "uninstall": ("not-installed", False),
}
"""What is there, and whether it is installed, once an action went well."""

EVERYTHING = list(product(REALTIMES, EXPECTATIONS, (True, False), (True, False, None)))


@pytest.mark.parametrize(("realtime", "expect", "installed", "alive"), EVERYTHING)
def test_the_grid_has_an_answer_for_everything(
    realtime: Realtime, expect: Expect, installed: bool, alive: bool | None
) -> None:
    assert step(realtime, expect, installed=installed, alive=alive) in {"nothing", "wait", *SUCCESS}


def test_every_row_is_reached_and_no_other_is_there() -> None:
    assert set(GRID) == set(get_args(Row))
    assert {row(realtime, installed=installed, alive=alive) for realtime, _, installed, alive in EVERYTHING} == set(
        GRID
    )


@pytest.mark.parametrize(
    ("realtime", "installed", "alive", "answers"),
    [
        ("not-installed", False, None, ["install", "install", "nothing"]),
        ("stopped", True, None, ["start", "nothing", "uninstall"]),
        ("running", True, True, ["nothing", "stop", "stop"]),
        ("failed", False, None, ["install", "install", "uninstall"]),
        ("failed", True, True, ["restart", "stop", "stop"]),
        ("failed", True, False, ["restart", "stop", "uninstall"]),
        ("failed", True, None, ["restart", "stop", "uninstall"]),
        ("unknow", True, True, ["wait", "wait", "wait"]),
        ("unknow", False, None, ["wait", "wait", "wait"]),
    ],
)
def test_expecting_running_stopped_or_not_installed_is_answered_as_the_contract_says(
    realtime: Realtime, installed: bool, alive: bool | None, answers: list[Step]
) -> None:
    assert EXPECTATIONS == ("running", "stopped", "not-installed")
    assert [step(realtime, expect, installed=installed, alive=alive) for expect in EXPECTATIONS] == answers


@pytest.mark.parametrize(("realtime", "expect"), list(product(sorted(IN_BETWEEN), EXPECTATIONS)))
def test_in_between_the_operation_is_waited_for(realtime: Realtime, expect: Expect) -> None:
    assert step(realtime, expect, installed=True, alive=True) == "wait"


@pytest.mark.parametrize("expect", EXPECTATIONS)
@pytest.mark.parametrize("alive", [True, False, None])
@pytest.mark.parametrize(
    ("realtime", "installed"),
    [("not-installed", False), ("stopped", True), ("running", True), ("failed", True), ("failed", False)],
)
def test_when_every_action_goes_well_three_steps_reach_the_expectation(
    realtime: Realtime, installed: bool, alive: bool | None, expect: Expect
) -> None:
    for _ in range(3):
        todo = step(realtime, expect, installed=installed, alive=alive)
        if todo != "nothing":
            realtime, installed = SUCCESS[todo]
            alive = None
    assert realtime == expect
    assert step(realtime, expect, installed=installed, alive=alive) == "nothing"
