"""How operations ended since this controller started."""

from collections import Counter
from dataclasses import dataclass, field
from typing import get_args

from paas_agent.contract import ENDED, Action, OperationState
from paas_controller.base.tally import Histogram

_SECONDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)


@dataclass(frozen=True, slots=True)
class Tally:
    """By action and state, and the seconds from the decision until the outcome was stored, by action."""

    ended: Counter[tuple[Action, OperationState]] = field(
        default_factory=lambda: Counter({(action, state): 0 for action in get_args(Action) for state in sorted(ENDED)})
    )
    seconds: dict[Action, Histogram] = field(
        default_factory=lambda: {action: Histogram(_SECONDS) for action in get_args(Action)}
    )

    def count(self, action: Action, state: OperationState, seconds: float) -> None:
        self.ended[action, state] += 1
        self.seconds[action].observe(max(0.0, seconds))
