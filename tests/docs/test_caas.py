from docs.caas import PAGE, page
from paas_controller.caas.reasons import CAUSES


def test_the_page_says_what_the_code_does() -> None:
    text = PAGE.read_text()
    assert text == page(text), "docs/caas.md is out of date: run `python docs/caas.py`"


def test_every_cause_of_a_state_is_explained() -> None:
    for name, cause in CAUSES.items():
        assert f"| {cause.state} | {name} | " in PAGE.read_text()
