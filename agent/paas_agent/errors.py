"""What goes wrong on the way in: a request that is refused, with the sentence the caller gets."""


class Refused(Exception):
    """An order or a question that is not taken: its HTTP status, a code for programs and a sentence for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
