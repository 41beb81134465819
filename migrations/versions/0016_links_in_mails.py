"""Unsubscribe links; how easy people found it, and whether a session was asked."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "unsubscribe_links",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name="pk_unsubscribe_links"),
    )
    op.create_index("ix_unsubscribe_links_customer_id", "unsubscribe_links", ["customer_id"])
    op.create_table(
        "effort_counts",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("about", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("month", "about", "score", name="pk_effort_counts"),
    )
    op.add_column("sessions", sa.Column("effort", sa.String(length=8), nullable=True))


def downgrade() -> None:
    """Contract."""
    op.drop_column("sessions", "effort")
    op.drop_table("effort_counts")
    op.drop_table("unsubscribe_links")
