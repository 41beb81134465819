"""Erasures, the list of who was erased, proofs that outlive them, and what recipients are told."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Expand."""
    op.add_column("ledger_entries", sa.Column("entries", sa.Integer(), nullable=True))
    op.create_table(
        "kept_proofs",
        sa.Column("place", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("place", "id", name="pk_kept_proofs"),
    )
    op.create_index("ix_kept_proofs_until", "kept_proofs", ["until"])
    op.create_table(
        "recipient_tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("words", sa.String(length=32), nullable=True),
        sa.Column("about", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_recipient_tasks"),
    )
    op.create_index(
        "ix_recipient_tasks_request_id_recipient",
        "recipient_tasks",
        ["request_id", "recipient"],
        unique=True,
    )
    op.create_index("ix_recipient_tasks_recipient_id", "recipient_tasks", ["recipient", "id"])
    op.create_index("ix_recipient_tasks_next_at", "recipient_tasks", ["next_at"])
    op.create_table(
        "erasures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleaned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proof_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("marks", sa.Integer(), nullable=False),
        sa.Column("who", sa.LargeBinary(), nullable=True),
        sa.Column("link_sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("certificate", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.create_index("ix_erasures_erased_at", "erasures", ["erased_at"])
    op.create_index("ix_erasures_link_sha256", "erasures", ["link_sha256"])
    op.create_table(
        "erased_customers",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=4), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_erased_customers"),
    )


def downgrade() -> None:
    """Contract."""
    for table in ("erased_customers", "erasures", "recipient_tasks", "kept_proofs"):
        op.drop_table(table)
    op.drop_column("ledger_entries", "entries")
