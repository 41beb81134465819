"""A recipient is told of a request twice: that data is restricted, and that this has ended."""

from alembic import op

revision = "0021"
down_revision = "0020"

_TABLE = "recipient_tasks"
_BEFORE, _AFTER = ["request_id", "recipient"], ["request_id", "recipient", "kind"]


def upgrade() -> None:
    """Expand."""
    op.create_index(_named(_AFTER), _TABLE, _AFTER, unique=True)
    op.drop_index(_named(_BEFORE), table_name=_TABLE)


def downgrade() -> None:
    """Contract: the end of a restriction is told no more."""
    op.execute("DELETE FROM recipient_tasks WHERE kind = 'restriction_end'")
    op.create_index(_named(_BEFORE), _TABLE, _BEFORE, unique=True)
    op.drop_index(_named(_AFTER), table_name=_TABLE)


def _named(columns: list[str]) -> str:
    return "_".join(["ix", _TABLE, *columns])
