"""What agents say, without the secrets of the instance it is about: scripts print what they like.

Only what is news is looked at, because the same is said again and again.
"""

from collections.abc import Sequence

from paas_agent.contract import Change, InstanceReport, Kind, Report
from paas_controller.base.errors import NotFound
from paas_controller.base.masking import hidden
from paas_controller.software import turns
from paas_controller.software.board import Board
from paas_controller.software.orders import Specs


class Hiding:
    """Looks the secrets up where there is something to say."""

    def __init__(self, board: Board, specs: Specs) -> None:
        self._board, self._specs = board, specs

    async def text(self, kind: Kind, name: str, said: str) -> str:
        """The text with the secrets of this instance masked."""
        instance = self._board.named(kind, name)
        if not said or instance is None:
            return said
        try:
            return hidden(said, (await self._specs.of(instance)).app.metadata)
        except NotFound:  # forgotten meanwhile, and what is said of it as well
            return said

    async def report(self, host: str, report: Report, changes: Sequence[Change]) -> None:
        """Masks the secrets in what a report and its changes tell that is new."""
        for outcome in report.outcomes:
            outcome.message = await self.text(outcome.type, outcome.name, outcome.message)
        for change in changes:
            change.reason = await self.text(change.type, change.name, change.reason)
        for seen in [seen for seen in report.instances if seen.reason]:
            if self._is_news(host, seen):
                seen.reason = await self.text(seen.type, seen.name, seen.reason)

    def _is_news(self, host: str, seen: InstanceReport) -> bool:
        instance = self._board.named(seen.type, seen.name)
        member = instance.on(host) if instance else None
        return member is not None and not turns.known(member, seen)
