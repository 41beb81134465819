"""Answers that were given together have one leaf."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Expand."""
    op.add_column("ledger_entries", sa.Column("batch_id", sa.Uuid(), nullable=True))
    op.create_table(
        "ledger_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("gone", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_batches"),
    )


def downgrade() -> None:
    """Contract."""
    op.drop_table("ledger_batches")
    op.drop_column("ledger_entries", "batch_id")
