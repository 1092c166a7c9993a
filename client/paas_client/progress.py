"""How far a wish has come, on stderr: a line for each step, and below them on a terminal what is being done now."""

from types import TracebackType
from typing import Self

from rich.text import Text

from paas_client import show
from paas_client.models import Event, Operation


class Progress:
    """Where there is no terminal, what is being done is a line of its own whenever it is another thing."""

    def __init__(self) -> None:
        self._console = show.screen()
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
        at = event.at.astimezone().strftime("%H:%M:%S")
        line = Text.assemble((f"{at}  ", "dim"), show.clean(f"{event.host}  ") if event.host else "")
        if event.before != event.after:
            line.append_text(show.state(event.before)).append(" → ").append_text(show.state(event.after)).append("  ")
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
        text = f"{what}: {progress.phase}"
        if progress.phase != "fetching" or not progress.bytes_done:
            return self.doing(text, sort=text)
        if not progress.bytes_total:
            return self.doing(f"{text} {_mega(progress.bytes_done)} MB", sort=text)
        percent = 100 * progress.bytes_done // progress.bytes_total
        of = f"{_mega(progress.bytes_done)} of {_mega(progress.bytes_total)} MB, {percent} %"
        return self.doing(f"{text} {of}", sort=f"{text} {percent // 10}")


def _mega(size: int) -> str:
    return f"{size / 1e6:.1f}"
