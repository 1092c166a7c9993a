from docs.states import MEANINGS, PAGE, REACHES, page
from paas_controller.software.states import DOING, REALTIMES


def test_the_page_says_what_the_code_does() -> None:
    assert PAGE.read_text() == page(), "docs/states.md is out of date: run `python docs/states.py`"


def test_every_state_and_every_action_is_explained() -> None:
    assert set(MEANINGS) == set(REALTIMES)
    assert set(REACHES) == set(DOING)
