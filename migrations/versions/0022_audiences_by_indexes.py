"""A large audience is joined with indexes that have all it needs of customers and identifiers, and
records of no channel are found by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_NAME = "ix_consent_records_of_no_channel"
_KEYS = {
    "customers": ("customer_id", "audience_secret"),
    "identifier_index": ("digest", "customer_id"),
}


def upgrade() -> None:
    """Expand."""
    without = sa.text("channel = ''")
    op.create_index(
        _NAME,
        "consent_records",
        ["purpose", "customer_id"],
        postgresql_where=without,
        sqlite_where=without,
    )
    for table, (key, included) in _KEYS.items():
        _make_key(table, f"({key}) INCLUDE ({included})")


def downgrade() -> None:
    """Contract."""
    for table, (key, _) in _KEYS.items():
        _make_key(table, f"({key})")
    op.drop_index(_NAME, table_name="consent_records")


def _make_key(table: str, columns: str) -> None:
    """SQLite has no such indexes."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            f"ALTER TABLE {table} DROP CONSTRAINT pk_{table},"
            f" ADD CONSTRAINT pk_{table} PRIMARY KEY {columns}"
        )
