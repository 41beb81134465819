"""Openings of kept proofs, and by which request what was kept; since when a profile is as it
is; grants by when they ended."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Expand."""
    op.add_column("kept_proofs", sa.Column("request_id", sa.Uuid(), nullable=True))
    op.create_index("ix_kept_proofs_request_id", "kept_proofs", ["request_id"])
    op.create_table(
        "proof_openings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("basis", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_proof_openings"),
    )
    op.create_index("ix_proof_openings_expires_at", "proof_openings", ["expires_at"])
    moment, digest = sa.DateTime(timezone=True), sa.LargeBinary(length=16)
    op.add_column("customers", sa.Column("profile_changed_at", moment, nullable=True))
    op.add_column("customers", sa.Column("trimmed_for", digest, nullable=True))
    op.create_index("ix_customer_grants_ended_at", "customer_grants", ["ended_at"])


def downgrade() -> None:
    """Contract."""
    op.drop_index("ix_customer_grants_ended_at", "customer_grants")
    op.drop_column("customers", "trimmed_for")
    op.drop_column("customers", "profile_changed_at")
    op.drop_table("proof_openings")
    op.drop_index("ix_kept_proofs_request_id", "kept_proofs")
    op.drop_column("kept_proofs", "request_id")
