"""What goes wrong on the way in: a request that is refused, with the sentence the caller gets."""

import msgspec


class Refused(Exception):
    """An order or a question that is not taken: its HTTP status, a code for programs and a sentence for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def sentence(body: bytes) -> str:
    """The sentence of an answer that refuses."""
    try:
        return str(msgspec.json.decode(body)["error"]["message"])
    except (msgspec.DecodeError, LookupError, TypeError):
        return "no reason given"
