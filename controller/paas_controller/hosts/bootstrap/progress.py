"""How far the installation of an agent has come, and when it is tried again. Pure; moments are UTC seconds."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

from paas_controller.base.clock import rfc3339

Phase = Literal["connect", "host-key", "inspect", "upload", "install", "report"]
PHASES: tuple[Phase, ...] = get_args(Phase)
State = Literal["running", "failed", "done"]
_FIRST_WAIT, LONGEST_WAIT = 5.0, 300.0
_ONCE_MORE = 30.0
"""A host that is just booting refuses people, too."""


class Failure(Exception):
    """A phase failed: with which sentence. `lasting` is what only a person mends: it is tried again rarely."""

    def __init__(self, sentence: str, *, lasting: bool = False) -> None:
        super().__init__(sentence)
        self.sentence, self.lasting = sentence, lasting


@dataclass(frozen=True, slots=True)
class Progress:
    """What is under way, or how it went last. `by` is who asked; empty where work was due. `sentence` says what
    failed and what to do, or what was done.
    """

    state: State
    phase: Phase
    since: float
    sentence: str = ""
    failures: int = 0
    next_try: float | None = None
    by: str = ""

    def obstacle(self, host: str) -> str:
        """What work on this host waits for, as a sentence; empty where it is done."""
        if self.state == "done":
            return ""
        if self.state == "failed":
            again = f"; tried again at {rfc3339(self.next_try)}" if self.next_try else ""
            return f"the agent could not be installed on {host}: {self.phase}: {self.sentence}{again}"
        return f"the agent is being installed on {host}: {self.phase}"


def begun(former: Progress | None, now: float, by: str = "") -> Progress:
    """Another try; failures are counted on, until a person asks."""
    if former is None or by:
        return Progress("running", PHASES[0], now, by=by)
    return replace(former, state="running", phase=PHASES[0], since=now, sentence="", next_try=None)


def entered(progress: Progress, phase: Phase, now: float) -> Progress:
    return replace(progress, phase=phase, since=now)


def failed(progress: Progress, failure: Failure, now: float) -> Progress:
    """With the moment of the next try: after 5 s, doubling to 5 min."""
    failures = progress.failures + 1
    lasting = _ONCE_MORE if failures == 1 else LONGEST_WAIT
    due = now + (lasting if failure.lasting else backoff(failures))
    return replace(progress, state="failed", since=now, sentence=failure.sentence, failures=failures, next_try=due)


def done(progress: Progress, sentence: str, now: float) -> Progress:
    return replace(progress, state="done", since=now, sentence=sentence, failures=0, next_try=None)


def backoff(failures: int) -> float:
    """Seconds until the next try after so many failures, the first one being 1."""
    return float(min(LONGEST_WAIT, _FIRST_WAIT * 2 ** min(failures - 1, 10)))


def written(progress: Progress | None) -> str:
    """As a column keeps it."""
    return json.dumps(asdict(progress)) if progress else ""


def read(text: str) -> Progress | None:
    return Progress(**json.loads(text)) if text else None
