"""Screenings that are answered later, and their files."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "screening_jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Uuid(), nullable=True),
        sa.Column("result", sa.Uuid(), nullable=True),
        sa.Column("screening_id", sa.Uuid(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_screening_jobs"),
    )
    op.create_index("ix_screening_jobs_screening_id", "screening_jobs", ["screening_id"])
    op.create_index("ix_screening_jobs_expires_at", "screening_jobs", ["expires_at"])
    op.create_table(
        "screening_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_last", sa.Boolean(), nullable=False),
        sa.Column("piece", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", "number", name="pk_screening_files"),
    )
    op.create_index("ix_screening_files_expires_at", "screening_files", ["expires_at"])


def downgrade() -> None:
    """Contract."""
    op.drop_table("screening_files")
    op.drop_table("screening_jobs")
