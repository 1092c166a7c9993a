from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from paas_controller.caas.memory import in_units
from paas_controller.caas.pool import about_memory, account, fitting
from paas_controller.caas.words import UNIT
from tests.controller.caas.cluster_of import EXCEEDED, controller, pending, pod, quota


def test_what_runs_is_in_use_by_component() -> None:
    pool = account(quota(), [controller("web", 2), controller("db")], [pod("web"), pod("web"), pod("db")])
    assert (pool.total, pool.in_use, pool.free) == (5 * UNIT, 3 * UNIT, 2 * UNIT)
    assert pool.sentence() == "the pool has 5 units (640 MiB) and 3 are in use (by shop/web 2, shop/db 1)"


def test_what_is_about_to_be_made_counts_in_full() -> None:
    assert account(quota(), [controller("web", 3)], []).free == 2 * UNIT


def test_what_fails_counts_at_what_it_has() -> None:
    pool = account(quota(), [controller("web", 3, failure=EXCEEDED)], [pod("web")])
    assert pool.in_use == UNIT
    assert pool.of("id1", "web").waiting == 2 * UNIT  # type: ignore[union-attr]


def test_what_fails_for_another_reason_does_not_wait_for_memory() -> None:
    pool = account(quota(), [controller("web", 3, failure="pods is forbidden: violates PodSecurity")], [])
    assert pool.of("id1", "web").waiting == 0  # type: ignore[union-attr]


def test_those_who_come_first_get_what_is_left() -> None:
    pool = account(quota(), [controller(f"c{number}") for number in range(6)], [])
    assert [share.waiting for share in pool.shares] == [0, 0, 0, 0, 0, UNIT]
    assert pool.free == 0


def test_what_is_stopped_takes_nothing_once_its_pods_are_gone() -> None:
    stopped = controller("web", 0)
    assert account(quota(), [stopped], [pod("web", leaving=True)]).in_use == UNIT
    assert account(quota(), [stopped], []).in_use == 0


def test_pods_that_have_ended_take_nothing() -> None:
    ended = [pod("web", phase="failed"), pod("web", phase="succeeded")]
    assert account(quota(), [controller("web", 0)], ended).in_use == 0


def test_pods_of_others_count_too() -> None:
    seen = account(quota(), [], [pod("", instance="")])
    assert (seen.others, seen.in_use) == (UNIT, UNIT)
    told = account(quota(used=4), [controller("web")], [pod("web")])
    assert (told.others, told.free) == (3 * UNIT, UNIT)
    assert told.sentence() == "the pool has 5 units (640 MiB) and 4 are in use (by others 3, shop/web 1)"


def test_a_pod_that_the_quota_has_counted_before_we_see_it_is_not_counted_twice() -> None:
    pool = account(quota(used=1), [controller("web")], [])
    assert (pool.others, pool.in_use) == (0, UNIT)


def test_what_the_quota_counted_before_a_controller_was_made_is_of_others() -> None:
    full = replace(quota(used=5), version=7)
    waits = account(full, [controller("web", version=8)], [])
    assert (waits.others, waits.free) == (5 * UNIT, 0)
    assert waits.of("id1", "web").waiting == UNIT  # type: ignore[union-attr]
    heard = account(full, [controller("web", version=8, replicas=1)], [])
    assert (heard.others, heard.in_use) == (4 * UNIT, 5 * UNIT)


def test_pods_whose_controller_is_gone_are_told_by_their_instance() -> None:
    pool = account(quota(), [], [pod("web")])
    assert [(share.name, share.memory) for share in pool.shares] == [("id1/web", UNIT)]


def test_a_controller_that_is_being_deleted_asks_for_nothing() -> None:
    assert account(quota(), [controller("web", 3, leaving=True)], [pod("web", leaving=True)]).in_use == UNIT


def test_many_takers_are_told_in_few_words() -> None:
    names = [f"c{number}" for number in range(7)]
    pool = account(quota(9), [controller(name) for name in names], [pending(name) for name in names])
    assert pool.sentence().endswith("7 are in use (by shop/c0 1, shop/c1 1, shop/c2 1, shop/c3 1, shop/c4 1, 2 more 2)")


def test_one_unit_is_in_use() -> None:
    pool = account(quota(1), [controller()], [])
    assert pool.sentence() == "the pool has 1 unit (128 MiB) and 1 is in use (by shop/web 1)"
    assert account(quota(2), [], []).sentence() == "the pool has 2 units (256 MiB) and 0 are in use"


def test_what_fits_is_whole_pods() -> None:
    assert fitting(5 * UNIT, 2 * UNIT, 3) == 2
    assert fitting(-UNIT, UNIT, 3) == 0
    assert fitting(0, 0, 3) == 3


def test_a_quota_of_somebody_else_is_not_the_pool() -> None:
    said = 'pods "web-x" is forbidden: exceeded quota: {}, requested: limits.memory=128Mi, used: limits.memory=0'
    assert [about_memory(said.format(name)) for name in ("pool", "admins", "pool-of-admins")] == [True, False, False]


def test_only_the_quota_of_memory_is_about_memory() -> None:
    assert about_memory(EXCEEDED)
    assert not about_memory("exceeded quota: pool, requested: services.nodeports=1")


@given(
    st.integers(0, 20),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 4), st.booleans()), max_size=6),
    st.none() | st.integers(0, 30),
)
def test_nothing_is_promised_beyond_the_pool(
    units: int, rows: list[tuple[int, int, int, bool]], used: int | None
) -> None:
    failing = {True: EXCEEDED, False: ""}
    ours = [
        controller(f"c{place}", desired, memory=memory * UNIT, failure=failing[fails])
        for place, (desired, _, memory, fails) in enumerate(rows)
    ]
    pods = [pod(f"c{place}", memory=row[2] * UNIT) for place, row in enumerate(rows) for _ in range(row[1])]
    pool = account(quota(units, used), ours, pods)
    there = sum(each.memory for each in pods)
    assert 0 <= pool.free <= pool.total
    assert pool.in_use <= max(pool.total, there, (used or 0) * UNIT)
    assert pool.in_use >= there
    assert in_units(pool.in_use) in pool.sentence()
