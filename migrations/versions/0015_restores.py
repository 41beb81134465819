"""That the store was put back, names that its log had, and erasures in order of time."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "restores",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("restored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("log_size", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_restores"),
    )
    op.create_table(
        "ledger_former_names",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_ledger_former_names"),
    )
    op.create_index("ix_erased_customers_erased_at", "erased_customers", ["erased_at"])


def downgrade() -> None:
    """Contract."""
    op.drop_index("ix_erased_customers_erased_at", "erased_customers")
    op.drop_table("ledger_former_names")
    op.drop_table("restores")
