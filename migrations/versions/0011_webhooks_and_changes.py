"""Which leaves are of changes and what a change made of a revision; webhooks and deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    """Expand."""
    op.add_column("ledger_entries", sa.Column("revision", sa.Integer(), nullable=True))
    op.add_column("ledger_leaves", sa.Column("change", sa.Boolean(), nullable=True))
    op.create_index(
        "ix_ledger_leaves_changes",
        "ledger_leaves",
        ["leaf_index"],
        postgresql_where=sa.text("change"),
        sqlite_where=sa.text("change = 1"),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("url", sa.LargeBinary(), nullable=False),
        sa.Column("event_types", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_leaf", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_table(
        "webhook_secrets",
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("webhook_id", "id", name="pk_webhook_secrets"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("about", sa.Uuid(), nullable=True),
        sa.Column("told", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(length=64), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_webhook_deliveries"),
    )
    _index_deliveries()
    op.create_table(
        "webhook_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_head"),
    )
    op.create_table(
        "webhook_erased",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("customer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="pk_webhook_erased"),
    )


def _index_deliveries() -> None:
    table, waiting = "webhook_deliveries", {"postgresql_where": _WAITING, "sqlite_where": _WAITING}
    op.create_index("ix_webhook_deliveries_webhook_id_id", table, ["webhook_id", "id"])
    op.create_index(
        "ix_webhook_deliveries_due", table, ["webhook_id", "due_at", "position"], **waiting
    )
    op.create_index(
        "ix_webhook_deliveries_order", table, ["webhook_id", "customer_id", "position"], **waiting
    )
    op.create_index("ix_webhook_deliveries_finished_at", table, ["finished_at"])
    op.create_index("ix_webhook_deliveries_about", table, ["about"])


def downgrade() -> None:
    """Contract."""
    op.drop_table("webhook_erased")
    op.drop_table("webhook_head")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhook_secrets")
    op.drop_table("webhooks")
    op.drop_index("ix_ledger_leaves_changes", "ledger_leaves")
    op.drop_column("ledger_leaves", "change")
    op.drop_column("ledger_entries", "revision")
