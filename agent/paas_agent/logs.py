"""Logs: text on a terminal, one JSON object a line otherwise."""

import logging
import sys
from datetime import UTC, datetime

import msgspec


def set_up(level: str) -> None:
    """Log to stderr from this level on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Text() if sys.stderr.isatty() else _Json())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("apscheduler").setLevel(logging.WARNING)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        operation = getattr(record, "operation", "")
        about = f" [{operation}]" if operation else ""
        return f"{self.formatTime(record)} {record.levelname.lower()}{about} {_message(self, record)}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": record.name.rpartition(".")[2],
            "message": _message(self, record),
        }
        operation = getattr(record, "operation", "")
        return msgspec.json.encode({**entry, "operation": operation} if operation else entry).decode()


def _message(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    text = record.getMessage()
    return f"{text}\n{formatter.formatException(record.exc_info)}" if record.exc_info else text
