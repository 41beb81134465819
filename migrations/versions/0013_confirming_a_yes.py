"""Yeses that are to be confirmed by a link, and those links."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "consent_confirmations",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "event_id", name="pk_consent_confirmations"),
    )
    op.create_index("ix_consent_confirmations_asked_at", "consent_confirmations", ["asked_at"])
    op.create_table(
        "consent_confirmation_links",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_consent_confirmation_links"),
    )
    op.create_index(
        "ix_consent_confirmation_links_customer_id", "consent_confirmation_links", ["customer_id"]
    )
    op.create_index(
        "ix_consent_confirmation_links_expires_at", "consent_confirmation_links", ["expires_at"]
    )


def downgrade() -> None:
    """Contract."""
    op.drop_table("consent_confirmation_links")
    op.drop_table("consent_confirmations")
