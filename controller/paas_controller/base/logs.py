"""Structured logs: text on a terminal, JSON in a service, each line with the request and the operation it is about."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

request_id: ContextVar[str] = ContextVar("request_id", default="")
operation_id: ContextVar[str] = ContextVar("operation_id", default="")


def _context(record: logging.LogRecord) -> dict[str, str]:
    """What a line is about: as it says itself, else what is being done now."""
    about = {var.name: getattr(record, var.name, "") or var.get() for var in (request_id, operation_id)}
    return {name: value for name, value in about.items() if value}


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line | _context(record), ensure_ascii=False)


class TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        context = " ".join(f"{name}={value}" for name, value in _context(record).items())
        line = f"{at} {record.levelname.lower():7} {_in_one_line(record.getMessage())}"
        if context:
            line += f"  [{context}]"
        return line + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


def _in_one_line(text: str) -> str:
    """What people send may hold anything; on a terminal it breaks no line and moves no cursor."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def one_line_for_no_http(record: logging.LogRecord) -> bool:
    """A filter: what cannot be read as HTTP is nobody's error here, and worth no trace."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.levelno, record.levelname, record.exc_info = logging.INFO, "INFO", None
        # Only its first line: the others show what was sent, and that may be a token.
        record.msg = f"this is no HTTP, from %s: {error.message.partition(chr(10))[0].replace('%', '%%')}"
    elif isinstance(error, RequestPayloadError):
        record.levelno, record.levelname, record.exc_info = logging.INFO, "INFO", None
        record.msg, record.args = "the rest of a body cannot be read: it is not encoded as it says", ()
    return logging.getLogger(record.name).isEnabledFor(record.levelno)


def set_up(level: str = "info") -> None:
    """All loggers to standard error. What libraries say of their own work is left out: our rooms say it better."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextLines() if sys.stderr.isatty() else JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for library in ("aiohttp.access", "alembic"):
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(one_line_for_no_http)
