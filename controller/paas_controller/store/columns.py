"""Types of columns that all rooms use."""

from sqlalchemy import BigInteger, Dialect, Integer
from sqlalchemy.types import TypeDecorator, TypeEngine


class Number(TypeDecorator[int]):
    """64 bits everywhere: for what counts up for ever, and for numbers that others send."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[int]:
        # SQLite's INTEGER has 64 bits, and no other one counts up by itself.
        return Integer() if dialect.name == "sqlite" else BigInteger()
