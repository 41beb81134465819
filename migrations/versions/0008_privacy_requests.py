"""Privacy requests: their steps, who is to be looked up, links to confirm them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "privacy_requests",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_up", sa.Boolean(), nullable=False),
        sa.Column("touchpoint", sa.String(length=64), nullable=True),
        sa.Column("identity", sa.String(length=16), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("restricts", sa.Boolean(), nullable=False),
        sa.Column("found_restricted", sa.Boolean(), nullable=False),
        sa.Column("reminded", sa.SmallInteger(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_privacy_requests"),
    )
    op.create_index("ix_privacy_requests_id", "privacy_requests", ["id"])
    op.create_index("ix_privacy_requests_state_id", "privacy_requests", ["state", "id"])
    op.create_index("ix_privacy_requests_due_at", "privacy_requests", ["due_at"])
    op.create_table(
        "privacy_request_steps",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=False),
        sa.Column("words", sa.String(length=2000), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_privacy_request_steps"),
    )
    op.create_index(
        "ix_privacy_request_steps_customer_id_request_id_number",
        "privacy_request_steps",
        ["customer_id", "request_id", "number"],
        unique=True,
    )
    op.create_table(
        "privacy_request_intake",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_privacy_request_intake"),
    )
    op.create_index(
        "ix_privacy_request_intake_received_at", "privacy_request_intake", ["received_at"]
    )
    op.create_table(
        "privacy_request_links",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_privacy_request_links"),
    )
    op.create_index(
        "ix_privacy_request_links_customer_id", "privacy_request_links", ["customer_id"]
    )
    op.create_index("ix_privacy_request_links_expires_at", "privacy_request_links", ["expires_at"])


def downgrade() -> None:
    """Contract."""
    op.drop_table("privacy_request_links")
    op.drop_table("privacy_request_intake")
    op.drop_table("privacy_request_steps")
    op.drop_table("privacy_requests")
