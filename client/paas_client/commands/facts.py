"""What an agent told of its host, in a few lines for people."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from paas_client import show

_KNOWN = {
    "hostname", "os", "kernel", "arch", "cores", "load", "memory", "memory_available", "disk", "disk_free", "disks",
    "booted_at",
}  # fmt: skip


def described(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and value of each line, as far as it is known; those of a newer agent as they are."""
    yield "hostname", _said(facts, "hostname")
    yield "system", ", ".join(filter(None, (_said(facts, "os"), _said(facts, "kernel"), _said(facts, "arch"))))
    yield "cores", _with(_said(facts, "cores"), "load", facts.get("load"))
    yield "memory", _of(facts.get("memory"), facts.get("memory_available"), "available")
    yield "disk", _of(facts.get("disk"), facts.get("disk_free"), "free, where the agent works")
    for disk in facts.get("disks", []):
        yield f"disk {disk['mount']}", _of(disk["total"], disk["free"], "free")
    if isinstance(booted := facts.get("booted_at"), int | float):
        yield "booted", show.moment(datetime.fromtimestamp(booted, UTC))
    yield from ((key.replace("_", " "), str(value)) for key, value in facts.items() if key not in _KNOWN)


def _said(facts: Mapping[str, Any], key: str) -> str:
    return str(facts.get(key, ""))


def _with(said: str, what: str, value: Any) -> str:
    return f"{said}, {what} {value:.2f}" if said and isinstance(value, int | float) else said


def _of(total: Any, part: Any, what: str) -> str:
    if not isinstance(total, int):
        return ""
    return f"{total / 1e9:.1f} GB" + (f", {part / 1e9:.1f} {what}" if isinstance(part, int) else "")
