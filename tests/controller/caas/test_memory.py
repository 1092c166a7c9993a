import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

from paas_controller.caas.memory import bytes_of, in_units, of_pod, quantity, told
from paas_controller.caas.words import UNIT

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64Mi", 64 * MIB),
        ("1Gi", 1024 * MIB),
        ("128M", 128_000_000),
        ("1e6", 1_000_000),
        ("1E6", 1_000_000),
        ("2E", 2 * 10**18),
        ("0.5Gi", 512 * MIB),
        (".5Ki", 512),
        ("1k", 1000),
        ("1500m", 2),
        ("+3", 3),
        (134217728, UNIT),
        ("0", 0),
    ],
)
def test_an_amount_is_read_as_kubernetes_reads_it(text: str | int, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "Mi", "-1", "1 Mi", "1mi", "1K", "1e999999999", "9" * 40, "1.5.5", "½", "٣", "1Mi\n", "nan", "inf", True, 1.5,
     None, [], 10**100],
)  # fmt: skip
def test_what_is_no_amount_is_none(text: object) -> None:
    with pytest.raises(ValueError, match="amount"):
        bytes_of(text)


@given(st.integers(0, 10**15), st.sampled_from(["", "k", "M", "G", "Ki", "Mi", "Gi"]))
def test_amounts_are_what_the_official_client_takes_them_for(number: int, suffix: str) -> None:
    assert bytes_of(f"{number}{suffix}") == parse_quantity(f"{number}{suffix}")


@given(st.integers(0, 2**50))
def test_bytes_are_written_as_they_are_read(size: int) -> None:
    assert bytes_of(quantity(size)) == size


@pytest.mark.parametrize(
    ("size", "sentence"),
    [(UNIT, "1 unit (128 MiB)"), (5 * UNIT, "5 units (640 MiB)"), (UNIT // 2, "0.5 units (64 MiB)"),
     (0, "0 units (0 MiB)")],
)  # fmt: skip
def test_memory_is_told_in_units_and_mib(size: int, sentence: str) -> None:
    assert told(size) == sentence


def test_a_third_of_a_unit_is_told_to_two_places() -> None:
    assert in_units(UNIT // 3) == "0.33"


def limited(memory: str | None) -> dict[str, object]:
    return {"resources": {"limits": {"memory": memory}}} if memory else {}


def test_a_pod_takes_what_its_containers_may_take_together() -> None:
    assert of_pod({"containers": [limited("64Mi"), limited("64Mi")]}) == UNIT


def test_initial_containers_come_one_after_another_and_count_where_they_take_more() -> None:
    initial = [limited("256Mi"), limited("64Mi")]
    assert of_pod({"containers": [limited("64Mi")], "initContainers": initial}) == 2 * UNIT


def test_a_container_without_limits_counts_as_one_unit() -> None:
    assert of_pod({"containers": [{}, limited(None), {"resources": None}]}) == 3 * UNIT
