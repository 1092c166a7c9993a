"""Where Alembic runs a revision: on the connection that is handed in, in its transaction."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import AutoString, SQLModel

from paas_controller.store.columns import Number


def _plain(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """A revision stands for itself: it names SQLAlchemy's types, not those of this program."""
    if kind == "type" and isinstance(item, Number):
        return 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")'
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    render_item=_plain,
)
with context.begin_transaction():
    context.run_migrations()
