"""What an answer repeats of its request is not kept: whoever asks again sends it again, and no secret is kept."""

from typing import Any

_SENT = {"//": "as it was sent"}
"""Stands for what the request has in the same place; comments are no part of any answer."""
_MISSING = object()


def without_sent(answer: Any, sent: Any) -> Any:
    """The JSON document without what stands in the same place of the request."""
    if answer == sent and isinstance(answer, str):
        return _SENT
    if isinstance(answer, dict) and isinstance(sent, dict):
        return {key: without_sent(value, sent.get(key, _MISSING)) for key, value in answer.items()}
    if isinstance(answer, list) and isinstance(sent, list):
        more = [_MISSING] * max(0, len(answer) - len(sent))
        return [without_sent(*pair) for pair in zip(answer, [*sent, *more], strict=False)]
    return answer


def with_sent(kept: Any, sent: Any) -> Any:
    """The document as it was, from what was kept and the same request sent again."""
    if kept == _SENT:
        return sent
    if isinstance(kept, dict):
        return {key: with_sent(value, sent.get(key) if isinstance(sent, dict) else None) for key, value in kept.items()}
    if isinstance(kept, list):
        at = sent if isinstance(sent, list) else []
        return [with_sent(value, at[number] if number < len(at) else None) for number, value in enumerate(kept)]
    return kept
