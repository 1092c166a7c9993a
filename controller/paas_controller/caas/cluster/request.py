"""What is asked of a cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Query = Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `silence` is how many seconds without a byte are endured."""

    method: str
    path: str
    query: Query | None = None
    body: dict[str, Any] | None = None
    content: str = "application/json"
    silence: float | None = None
