"""How far a wish has come, on stderr: a line for each step, and below them on a terminal what is being done now."""

from types import TracebackType
from typing import Self

from rich.text import Text

from paas_client import show
from paas_client.models import Event, Operation


class Progress:
    """Where there is no terminal, what is being done is a line of its own whenever it is another thing."""

    def __init__(self) -> None:
        self._console = show.console(stderr=True, wrap=True)
        self._status = self._console.status("")
        self._said = ""

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def step(self, event: Event) -> None:
        line = Text.assemble((f"{show.clock(event.at)}  ", "dim"), show.clean(f"{event.host}  ") if event.host else "")
        if event.before != event.after:
            line.append_text(show.crossed(event.before, event.after)).append("  ")
        self._console.print(line.append(show.clean(event.sentence)))

    def doing(self, text: str, *, sort: str) -> None:
        """Says it; texts of the same sort differ only in what is not worth a line of its own."""
        self._status.update(Text(show.clean(text)))
        if not self._console.is_terminal and sort != self._said:
            self._console.print(show.clean(text))
        self._said = sort

    def under_way(self, operation: Operation) -> None:
        what, progress = f"{operation.action} on {operation.host}", operation.progress
        if progress is None:
            return self.doing(f"{what}: {operation.state}", sort=operation.state)
        # A line of its own for every tenth, where there is no terminal.
        return self.doing(f"{what}: {progress.said}", sort=f"{what} {progress.phase} {progress.percent // 10}")
