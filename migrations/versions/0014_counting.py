"""What went of the log is counted, and an erasure knows the entry that tells of it."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Expand. What went before was not all counted: the log says once how much that was."""
    op.add_column("erasures", sa.Column("entry_id", sa.Uuid(), nullable=True))
    op.create_table(
        "ledger_gone",
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("unsaid", sa.BigInteger(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("what", name="pk_ledger_gone"),
    )
    link = op.get_bind()
    leaves = link.scalar(sa.text("SELECT count(*) FROM ledger_leaves WHERE entry_id IS NULL")) or 0
    said = link.scalar(sa.text("SELECT sum(entries) FROM ledger_entries")) or 0
    uncounted = leaves + sum(_answers(link)) - said
    if uncounted > 0:
        before = sa.text("INSERT INTO ledger_gone (what, unsaid) VALUES ('before', :unsaid)")
        link.execute(before, {"unsaid": uncounted})


def _answers(link: sa.Connection) -> Iterator[int]:
    for (gone,) in link.execute(sa.text("SELECT gone FROM ledger_batches")):
        yield int.from_bytes(gone, "little").bit_count()


def downgrade() -> None:
    """Contract."""
    op.drop_table("ledger_gone")
    op.drop_column("erasures", "entry_id")
