"""Certificates of hosts, and their rotation."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("host", schema=None) as batch_op:
        batch_op.add_column(sa.Column("enrolment", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("certificate_ends", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("rotating", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("following", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("host", schema=None) as batch_op:
        batch_op.drop_column("following")
        batch_op.drop_column("rotating")
        batch_op.drop_column("certificate_ends")
        batch_op.drop_column("enrolment")
