"""Uses of audiences are found among all others, and by the audience."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_INDEXES = {
    "ix_ledger_entries_of_audiences": ["kind", "known", "id"],
    "ix_ledger_entries_cites": ["cites"],
}


def upgrade() -> None:
    """Expand."""
    for name, columns in _INDEXES.items():
        op.create_index(
            name,
            "ledger_entries",
            columns,
            postgresql_where=sa.text("kind = 'disclosure' AND NOT known"),
            sqlite_where=sa.text("kind = 'disclosure' AND known = 0"),
        )


def downgrade() -> None:
    """Contract."""
    for name in _INDEXES:
        op.drop_index(name, table_name="ledger_entries")
