"""An API server's refusals that are hard to bring about, as our errors."""

import pytest

from paas_controller.base.errors import Conflict, Forbidden, PaasError, Refused, Retryable
from paas_controller.caas.cluster.refusals import Expired, refusal, status


def of(code: int, body: bytes = b"") -> PaasError:
    return refusal("east", status(code, body))


def test_who_asks_too_much_is_told_when_to_come_again() -> None:
    error = of(429, b'{"message": "too many requests", "details": {"retryAfterSeconds": 7}}')
    assert isinstance(error, Retryable)
    assert (error.message, error.after) == ("the cluster east cannot do this now: too many requests", 7.0)


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_its_own_troubles_pass(code: int) -> None:
    error = of(code, b"<html>Bad Gateway</html>")
    assert isinstance(error, Retryable)
    assert error.message == "the cluster east cannot do this now: <html>Bad Gateway</html>"


def test_a_past_that_is_gone_is_expired() -> None:
    assert isinstance(of(410, b'{"reason": "Expired", "message": "too old resource version"}'), Expired)


def test_a_refusal_without_a_word_is_told_by_its_number() -> None:
    error = of(418)
    assert isinstance(error, Refused)
    assert error.message == "the cluster east answers 418 to this: answer 418"


def test_a_policy_is_told_as_it_is_said() -> None:
    said = b"""{"message": "pods \\"web\\" is forbidden: violates PodSecurity \\"baseline:latest\\": host namespaces",
               "reason": "Forbidden", "details": {"name": "web", "kind": "pods"}}"""
    error = of(403, said)
    assert isinstance(error, Forbidden)
    assert error.message == (
        'the cluster east does not allow pods/web: violates PodSecurity "baseline:latest": host namespaces'
    )


def test_a_conflict_that_is_no_double_is_stale() -> None:
    error = of(409, b'{"reason": "Conflict", "message": "the object has been modified"}')
    assert isinstance(error, Conflict)
    assert error.message == "the object has been modified in the cluster east was changed meanwhile: try again"


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        (401, b"", "does not know the controller's credentials: see to the user in its kubeconfig"),
        (
            403,
            b"""{"message": "services is forbidden: User \\"x\\" cannot create resource \\"services\\""}""",
            'may not create resource "services" in the cluster east: see to the roles of its user there',
        ),
    ],
)
def test_what_whoever_runs_the_controller_has_to_see_to_is_no_fault_of_who_asks(
    code: int, said: bytes, told: str
) -> None:
    error = of(code, said)
    assert (error.status, error.message.endswith(told)) == (503, True)
