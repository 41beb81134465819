"""When a restriction is lifted, and by which letter the person is told."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Expand."""
    op.add_column(
        "privacy_requests", sa.Column("lift_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("privacy_requests", sa.Column("lift_letter", sa.Uuid(), nullable=True))
    op.create_index("ix_privacy_requests_lift_at", "privacy_requests", ["lift_at"])


def downgrade() -> None:
    """Contract."""
    op.drop_index("ix_privacy_requests_lift_at", "privacy_requests")
    op.drop_column("privacy_requests", "lift_letter")
    op.drop_column("privacy_requests", "lift_at")
