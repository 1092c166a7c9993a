"""Whatever is sent as a template: it is refused with a path, or nothing forbidden is left of it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paas_controller.base.errors import Refused
from tests.controller.caas.confine import baseline
from tests.controller.caas.confine.fields import HARMFUL, TELLING, Path, fields, planted
from tests.controller.caas.confine.whole import OWN, PLAIN, RC, SVC, made

OF_RC, OF_SERVICE = list(fields("V1ReplicationController")), list(fields("V1Service"))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(LEAVES, lambda some: st.lists(some, max_size=4) | st.dictionaries(st.text(), some, max_size=4))
VALUES = st.sampled_from(HARMFUL) | ANYTHING


def judged(rc_template: object, svc_template: object = None) -> bool:
    """Whether it was let through, once what was let through was found to be harmless."""
    before = repr((rc_template, svc_template))
    try:
        controller, service = made(rc_template, svc_template)
    except Refused as error:
        told = error.details
    else:
        told = []
    if told:
        assert all(detail.startswith(("rc_template", "svc_template")) and len(detail) < 2000 for detail in told)
        "".join(told).encode()
        return False
    assert baseline.faults(controller, OWN.selector, OWN.namespace) == []
    assert baseline.faults_of_service(service, OWN.selector, OWN.namespace) == []
    json.dumps([controller, service], allow_nan=False, ensure_ascii=False).encode()
    assert repr((rc_template, svc_template)) == before, "what was given is left as it was"
    return True


def test_the_examples_are_let_through() -> None:
    assert judged(PLAIN)
    assert judged(RC, SVC)


@given(ANYTHING, ANYTHING)
@settings(max_examples=100, deadline=None)
def test_any_json_is_refused_or_harmless(rc_template: Any, svc_template: Any) -> None:
    judged(rc_template, svc_template)


@given(st.sampled_from([PLAIN, RC]), st.lists(st.tuples(st.sampled_from(OF_RC), VALUES), min_size=1, max_size=4))
@settings(max_examples=400, deadline=None)
def test_anything_planted_at_fields_of_a_controller_is_refused_or_harmless(
    document: dict[str, Any], plants: list[tuple[Path, Any]]
) -> None:
    for path, value in plants:
        document = planted(document, path, value)
    judged(document)


@given(st.lists(st.tuples(st.sampled_from(OF_SERVICE), VALUES), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_anything_planted_at_fields_of_a_service_is_refused_or_harmless(plants: list[tuple[Path, Any]]) -> None:
    document = SVC
    for path, value in plants:
        document = planted(document, path, value)
    judged(RC, document)


def test_each_kind_of_value_at_each_field_that_kubernetes_knows_is_refused_or_harmless() -> None:
    # A volume that only waits for its source, which would else stand beside another one and be refused for that.
    waiting = planted(PLAIN, ("spec", "template", "spec", "volumes"), [{"name": "data"}])
    of_volumes = [path for path in OF_RC if "volumes" in path]
    cases = [(base, path) for base, paths in ((PLAIN, OF_RC), (waiting, of_volumes)) for path in paths]
    through = {path for base, path in cases for value in TELLING if judged(planted(base, path, value))}
    assert 20 < len(through) < 150, "few of the fields can be chosen at all"
    assert not {path for path in through if "affinity" in path or "hostPath" in path or "ephemeralContainers" in path}


def test_each_harmful_value_at_each_field_of_a_service_is_refused_or_harmless() -> None:
    through = {path for path in OF_SERVICE for value in HARMFUL if judged(RC, planted(SVC, path, value))}
    assert 5 < len(through) < 70


@pytest.mark.parametrize("depth", [10, 900])
def test_a_deep_document_is_refused_like_any_other(depth: int) -> None:
    deep: Any = "x"
    for _ in range(depth):
        deep = {"spec": deep}
    assert not judged(deep, deep)


def test_a_wide_document_is_refused_in_few_words() -> None:
    many = {f"{'k' * 1000}{number}": number for number in range(5000)}
    with pytest.raises(Refused) as told:
        made({**many, "spec": [many] * 10})
    assert len(told.value.details) == 50
    assert sum(map(len, told.value.details)) < 10_000
