"""Which database stands behind a URL."""

from paas_controller.store.database import Database, parsed
from paas_controller.store.sqlite import open_sqlite


def open_database(url: str) -> Database:
    """SQLite's file or PostgreSQL's database; PaasError where the URL cannot be read. Nothing is connected to yet."""
    parts = parsed(url)
    if parts.get_backend_name() == "sqlite":
        return open_sqlite(parts)
    from paas_controller.store.postgres import open_postgres  # noqa: PLC0415 - its driver is for those who use it

    return open_postgres(parts)
