import pytest

from paas_controller.base import errors
from paas_controller.base.errors import PaasError, Retryable

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PaasError)]


@pytest.mark.parametrize(
    ("name", "status"),
    [("Invalid", 400), ("Unauthorized", 401), ("Forbidden", 403), ("NotFound", 404), ("Conflict", 409),
     ("TooLarge", 413), ("Refused", 422), ("Retryable", 503)],
)  # fmt: skip
def test_each_error_has_the_status_of_the_contract(name: str, status: int) -> None:
    assert getattr(errors, name).status == status


def test_no_two_errors_share_a_status_or_a_code() -> None:
    assert len({kind.status for kind in KINDS}) == len({kind.code for kind in KINDS}) == len(KINDS)


def test_an_error_is_its_sentence() -> None:
    assert str(errors.Conflict("it stands against what is there")) == "it stands against what is there"
    assert errors.Invalid("two things", ["one", "two"]).details == ["one", "two"]


def test_what_may_be_tried_again_says_when() -> None:
    assert Retryable("not now").after == 1.0
    assert Retryable("not now", after=30).after == 30
