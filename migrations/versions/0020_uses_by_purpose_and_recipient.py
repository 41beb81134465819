"""Uses are found by purpose and recipient together: each alone may be half of the log."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_NAME = "ix_ledger_entries_uses"


def upgrade() -> None:
    """Expand."""
    uses = sa.text("kind = 'disclosure'")
    op.create_index(
        _NAME,
        "ledger_entries",
        ["purpose", "recipient", "id"],
        postgresql_where=uses,
        sqlite_where=uses,
    )


def downgrade() -> None:
    """Contract."""
    op.drop_index(_NAME, table_name="ledger_entries")
