"""Logs: text on a terminal, one JSON object a line otherwise."""

import logging
import sys
from datetime import UTC, datetime

import msgspec
from aiohttp.http_exceptions import HttpProcessingError

_ABOUT = ("request_id", "operation_id")
"""What a line may be about, under the names that the controller's log uses."""


def set_up(level: str) -> None:
    """Log to stderr from this level on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Text() if sys.stderr.isatty() else _Json())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # that a check was still under way is no news
    logging.getLogger("aiohttp.server").addFilter(_one_line_for_no_http)


def _one_line_for_no_http(record: logging.LogRecord) -> bool:
    """A filter: what cannot be read as HTTP is nobody's error here, and worth no trace."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.levelno, record.levelname, record.exc_info = logging.INFO, "INFO", None
        # Only its first line: the others show what was sent, and that may be a token.
        record.msg = f"this is no HTTP, from %s: {error.message.partition(chr(10))[0].replace('%', '%%')}"
    return logging.getLogger(record.name).isEnabledFor(record.levelno)


def _about(record: logging.LogRecord) -> dict[str, str]:
    return {name: value for name in _ABOUT if (value := getattr(record, name, ""))}


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        about = "".join(f" [{name}={value}]" for name, value in _about(record).items())
        return f"{self.formatTime(record)} {record.levelname.lower()}{about} {_message(self, record)}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": record.name.rpartition(".")[2],
            "message": _message(self, record),
        }
        return msgspec.json.encode(entry | _about(record)).decode()


def _message(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    text = record.getMessage()
    return f"{text}\n{formatter.formatException(record.exc_info)}" if record.exc_info else text
