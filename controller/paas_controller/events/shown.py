"""A step of the story, as people see it."""

from collections.abc import Mapping
from typing import Any

from paas_controller.base.clock import rfc3339


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row, where it is known what it is about."""
    step = {"id": row["id"], "at": rfc3339(row["at"]), "host": row["host"], "from": row["before"], "to": row["after"]}
    return step | {"cause": row["why"], "sentence": row["sentence"], "operation": row["operation"] or None}
