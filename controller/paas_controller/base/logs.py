"""Structured logs: text on a terminal, JSON in a service, each line with the request and the operation it is about."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("request_id", default="")
operation_id: ContextVar[str] = ContextVar("operation_id", default="")


def _context() -> dict[str, str]:
    known = {"request_id": request_id.get(), "operation_id": operation_id.get()}
    return {name: value for name, value in known.items() if value}


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line | _context(), ensure_ascii=False)


class TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        context = " ".join(f"{name}={value}" for name, value in _context().items())
        line = f"{at} {record.levelname.lower():7} {record.getMessage()}"
        if context:
            line += f"  [{context}]"
        return line + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


def set_up(level: str = "info") -> None:
    """All loggers to standard error. The library's own request lines are left out: the web room writes better ones."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextLines() if sys.stderr.isatty() else JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
