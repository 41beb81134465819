"""The tree over the log: leaves, tiles, checkpoints, head. What a long log needs: indexes for
filters, and up to where retention has come."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

FOR_FILTERS = (
    ("recipient_id", ["recipient", "id"], "recipient IS NOT NULL"),
    ("purpose_id", ["purpose", "id"], "purpose IS NOT NULL"),
    ("touchpoint_id", ["touchpoint", "id"], "touchpoint IS NOT NULL"),
    ("kind_id", ["kind", "id"], "kind <> 'decision'"),
    ("breaches", ["kind", "outcome", "id"], "kind = 'disclosure' AND outcome = 'deny'"),
    ("apart", ["kind", "id"], "apart"),
)


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "ledger_leaves",
        sa.Column("leaf_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("leaf_index", name="pk_ledger_leaves"),
    )
    op.create_index("ix_ledger_leaves_entry_id", "ledger_leaves", ["entry_id"], unique=True)
    op.create_table(
        "ledger_tiles",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "n", name="pk_ledger_tiles"),
    )
    op.create_table(
        "ledger_checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_ledger_checkpoints"),
    )
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sealed_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_head"),
    )
    op.create_table(
        "ledger_retention",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("kept_from", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name="pk_ledger_retention"),
    )
    for name, columns, which in FOR_FILTERS:
        op.create_index(
            f"ix_ledger_entries_{name}",
            "ledger_entries",
            columns,
            unique=False,
            postgresql_where=sa.text(which),
            sqlite_where=sa.text("apart = 1" if which == "apart" else which),
        )


def downgrade() -> None:
    """Contract."""
    for name, _, _ in FOR_FILTERS:
        op.drop_index(f"ix_ledger_entries_{name}", table_name="ledger_entries")
    op.drop_table("ledger_retention")
    for table in ("ledger_head", "ledger_checkpoints", "ledger_tiles", "ledger_leaves"):
        op.drop_table(table)
