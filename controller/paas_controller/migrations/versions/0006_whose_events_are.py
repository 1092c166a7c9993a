"""Whose events are: a tenant hears the end of an app, too."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_KNOWN = """
    UPDATE event SET tenant = COALESCE((
        SELECT app.tenant FROM app WHERE app.kind = event.topic AND app.created_at <= event.at
        AND (event.name = app.name OR event.name LIKE app.name || '/%')
    ), '') WHERE topic IN ('app', 'caas')
"""


def upgrade() -> None:
    op.add_column("event", sa.Column("tenant", sa.String(), nullable=False, server_default=""))
    op.execute(_KNOWN)


def downgrade() -> None:
    op.drop_column("event", "tenant")
