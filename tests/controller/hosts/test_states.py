"""In which state an agent is, by what is known of it."""

import pytest

from paas_controller.hosts.states import AgentState, Known, state_of


@pytest.mark.parametrize(
    ("known", "state"),
    [
        (Known(enrolled=False), "absent"),
        (Known(enrolled=False, lost=True), "absent"),
        (Known(enrolled=False, installing=True), "installing"),
        (Known(enrolled=True, installing=True, lost=True), "installing"),
        (Known(enrolled=True), "online"),
        (Known(enrolled=True, outdated=True), "outdated"),
        (Known(enrolled=True, reconnecting=True, outdated=True), "reconnecting"),
        (Known(enrolled=True, lost=True, reconnecting=True, outdated=True), "lost"),
    ],
)
def test_the_state_is_what_a_person_should_know_first(known: Known, state: AgentState) -> None:
    assert state_of(known) == state
