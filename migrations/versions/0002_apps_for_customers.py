"""Apps that act for customers: redirect addresses and keys of clients, what customers allowed,
codes, refresh tokens, assertions that were used."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Expand."""
    op.add_column("clients", sa.Column("kind", sa.String(length=16), nullable=True))
    op.add_column("clients", sa.Column("redirect_uris", sa.String(), nullable=True))
    op.add_column("clients", sa.Column("jwks", sa.String(), nullable=True))
    op.add_column("clients", sa.Column("auth_method", sa.String(length=32), nullable=True))
    op.add_column("access_tokens", sa.Column("family", sa.Uuid(), nullable=True))
    op.create_index("ix_access_tokens_family", "access_tokens", ["family"], unique=False)
    op.create_table(
        "customer_grants",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("allowed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("customer_id", "client_id", name="pk_customer_grants"),
    )
    op.create_index("ix_customer_grants_client_id", "customer_grants", ["client_id"], unique=False)
    op.create_table(
        "authorization_codes",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("family", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("redirect_uri", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("code_challenge", sa.String(length=43), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name="pk_authorization_codes"),
    )
    for column in ("client_id", "customer_id", "expires_at"):
        op.create_index(
            f"ix_authorization_codes_{column}", "authorization_codes", [column], unique=False
        )
    op.create_table(
        "refresh_tokens",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("family", sa.Uuid(), nullable=False),
        sa.Column("parent", sa.LargeBinary(length=32), nullable=True),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sibling_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name="pk_refresh_tokens"),
    )
    for column in ("family", "client_id", "customer_id", "expires_at"):
        op.create_index(f"ix_refresh_tokens_{column}", "refresh_tokens", [column], unique=False)
    op.create_table(
        "used_assertions",
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("jti_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "jti_sha256", name="pk_used_assertions"),
    )
    op.create_index(
        "ix_used_assertions_expires_at", "used_assertions", ["expires_at"], unique=False
    )


def downgrade() -> None:
    """Contract."""
    op.drop_index("ix_used_assertions_expires_at", table_name="used_assertions")
    op.drop_table("used_assertions")
    for column in ("family", "client_id", "customer_id", "expires_at"):
        op.drop_index(f"ix_refresh_tokens_{column}", table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    for column in ("client_id", "customer_id", "expires_at"):
        op.drop_index(f"ix_authorization_codes_{column}", table_name="authorization_codes")
    op.drop_table("authorization_codes")
    op.drop_index("ix_customer_grants_client_id", table_name="customer_grants")
    op.drop_table("customer_grants")
    op.drop_index("ix_access_tokens_family", table_name="access_tokens")
    op.drop_column("access_tokens", "family")
    for column in ("auth_method", "jwks", "redirect_uris", "kind"):
        op.drop_column("clients", column)
