"""When a restriction is lifted, and by which letter the person is told; of what else they are to be
told; where letters to staff go, and when the last one about requests went."""

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
    untold = sa.Column("untold_since", sa.DateTime(timezone=True), nullable=True)
    op.add_column("privacy_requests", untold)
    op.create_index("ix_privacy_requests_lift_at", "privacy_requests", ["lift_at"])
    op.create_index("ix_privacy_requests_untold_since", "privacy_requests", ["untold_since"])
    op.add_column("staff", sa.Column("email", sa.LargeBinary(), nullable=True))
    op.add_column("staff", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Contract."""
    op.drop_column("staff", "reminded_at")
    op.drop_column("staff", "email")
    op.drop_index("ix_privacy_requests_untold_since", "privacy_requests")
    op.drop_index("ix_privacy_requests_lift_at", "privacy_requests")
    op.drop_column("privacy_requests", "untold_since")
    op.drop_column("privacy_requests", "lift_letter")
    op.drop_column("privacy_requests", "lift_at")
