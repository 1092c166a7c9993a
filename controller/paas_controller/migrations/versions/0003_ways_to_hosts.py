"""How a host is reached: SSH's pinned key, the way of its orders, and what is under way there."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TEXTS = {"way": "direct", "host_key": "", "host_key_refused": "", "bootstrap": "", "upgrade": "", "draining": ""}


def upgrade() -> None:
    with op.batch_alter_table("host", schema=None) as batch_op:
        for name, default in _TEXTS.items():
            batch_op.add_column(sa.Column(name, sa.String(), nullable=False, server_default=default))


def downgrade() -> None:
    with op.batch_alter_table("host", schema=None) as batch_op:
        for name in _TEXTS:
            batch_op.drop_column(name)
