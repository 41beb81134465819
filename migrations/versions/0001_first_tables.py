"""The first tables: clients, catalogue, customers, consents, suppressions, log, jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "access_tokens",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("recipients", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_access_tokens"),
    )
    op.create_index("ix_access_tokens_client_id", "access_tokens", ["client_id"], unique=False)
    op.create_index("ix_access_tokens_customer_id", "access_tokens", ["customer_id"], unique=False)
    op.create_index("ix_access_tokens_expires_at", "access_tokens", ["expires_at"], unique=False)
    op.create_table(
        "catalogues",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_catalogues"),
    )
    op.create_table(
        "client_secrets",
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("client_id", "id", name="pk_client_secrets"),
    )
    op.create_table(
        "clients",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("recipients", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_clients"),
    )
    op.create_table(
        "consent_events",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("notice_version", sa.String(length=64), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("touchpoint", sa.String(length=64), nullable=False),
        sa.Column("lifecycle_stage", sa.String(length=64), nullable=True),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=False),
        sa.Column("by_guardian", sa.Boolean(), nullable=False),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_consent_events"),
    )
    op.create_table(
        "consent_records",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("notice_version", sa.String(length=64), nullable=True),
        sa.Column("by_guardian", sa.Boolean(), nullable=False),
        sa.Column("direct", sa.Boolean(), nullable=False),
        sa.Column("standing_no", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint(
            "customer_id", "purpose", "channel", "revision", name="pk_consent_records"
        ),
    )
    op.create_index(
        "ix_consent_records_purpose_notice_version",
        "consent_records",
        ["purpose", "notice_version"],
        unique=False,
    )
    op.create_table(
        "customer_aliases",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kept_id", sa.Uuid(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("audience_secret", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="pk_customer_aliases"),
    )
    op.create_index("ix_customer_aliases_kept_id", "customer_aliases", ["kept_id"], unique=False)
    op.create_table(
        "customer_facts",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("jurisdiction", sa.String(length=6), nullable=True),
        sa.Column("age_band", sa.String(length=8), nullable=True),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("gpc_since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("customer_id", "revision", name="pk_customer_facts"),
    )
    op.create_table(
        "customer_identifiers",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_customer_identifiers"),
    )
    op.create_table(
        "customer_keys",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("master_id", sa.LargeBinary(length=4), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "kind", name="pk_customer_keys"),
    )
    op.create_index("ix_customer_keys_master_id", "customer_keys", ["master_id"], unique=False)
    op.create_table(
        "customer_suppressions",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("identifier_id", sa.Uuid(), nullable=False),
        sa.Column("identifier_type", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_customer_suppressions"),
    )
    op.create_index("ix_customer_suppressions_id", "customer_suppressions", ["id"], unique=False)
    op.create_table(
        "customers",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("profile", sa.LargeBinary(), nullable=False),
        sa.Column("audience_secret", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="pk_customers"),
    )
    op.create_table(
        "idempotency_claims",
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("key_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "key_digest", name="pk_idempotency_claims"),
    )
    op.create_index(
        "ix_idempotency_claims_claimed_at", "idempotency_claims", ["claimed_at"], unique=False
    )
    op.create_table(
        "idempotency_records",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("key_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "customer_id", "client_id", "key_digest", name="pk_idempotency_records"
        ),
    )
    op.create_index(
        "ix_idempotency_records_client_id_key_digest",
        "idempotency_records",
        ["client_id", "key_digest"],
        unique=False,
    )
    op.create_index(
        "ix_idempotency_records_recorded_at", "idempotency_records", ["recorded_at"], unique=False
    )
    op.create_table(
        "identifier_index",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=4), nullable=False),
        sa.Column("normaliser", sa.SmallInteger(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("identifier_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_identifier_index"),
    )
    op.create_index(
        "ix_identifier_index_customer_id", "identifier_index", ["customer_id"], unique=False
    )
    op.create_index("ix_identifier_index_key_id", "identifier_index", ["key_id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error_kind", sa.String(length=100), nullable=True),
        sa.Column("failed_runs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_jobs"),
    )
    op.create_table(
        "key_marks",
        sa.Column("key_id", sa.LargeBinary(length=4), nullable=False),
        sa.Column("use", sa.String(length=8), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=8), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_key_marks"),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=True),
        sa.Column("purpose", sa.String(length=64), nullable=True),
        sa.Column("channel", sa.String(length=16), nullable=True),
        sa.Column("data_categories", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(length=64), nullable=True),
        sa.Column("touchpoint", sa.String(length=64), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("catalogue_version", sa.Integer(), nullable=True),
        sa.Column("cites", sa.Uuid(), nullable=True),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=True),
        sa.Column("token", sa.LargeBinary(length=16), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("apart", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_ledger_entries"),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_ledger_entries_id", "ledger_entries", ["id"], unique=False)
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE TABLE ledger_entries_rest PARTITION OF ledger_entries DEFAULT")
    op.create_table(
        "suppressions",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("identifier_type", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("digest", "id", name="pk_suppressions"),
    )
    op.create_index("ix_suppressions_id", "suppressions", ["id"], unique=False)


def downgrade() -> None:
    """Contract."""
    op.drop_index("ix_suppressions_id", table_name="suppressions")
    op.drop_table("suppressions")
    op.drop_index("ix_ledger_entries_id", table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.drop_table("key_marks")
    op.drop_table("jobs")
    op.drop_index("ix_identifier_index_key_id", table_name="identifier_index")
    op.drop_index("ix_identifier_index_customer_id", table_name="identifier_index")
    op.drop_table("identifier_index")
    op.drop_index("ix_idempotency_records_recorded_at", table_name="idempotency_records")
    op.drop_index("ix_idempotency_records_client_id_key_digest", table_name="idempotency_records")
    op.drop_table("idempotency_records")
    op.drop_index("ix_idempotency_claims_claimed_at", table_name="idempotency_claims")
    op.drop_table("idempotency_claims")
    op.drop_table("customers")
    op.drop_index("ix_customer_suppressions_id", table_name="customer_suppressions")
    op.drop_table("customer_suppressions")
    op.drop_index("ix_customer_keys_master_id", table_name="customer_keys")
    op.drop_table("customer_keys")
    op.drop_table("customer_identifiers")
    op.drop_table("customer_facts")
    op.drop_index("ix_customer_aliases_kept_id", table_name="customer_aliases")
    op.drop_table("customer_aliases")
    op.drop_index("ix_consent_records_purpose_notice_version", table_name="consent_records")
    op.drop_table("consent_records")
    op.drop_table("consent_events")
    op.drop_table("clients")
    op.drop_table("client_secrets")
    op.drop_table("catalogues")
    op.drop_index("ix_access_tokens_expires_at", table_name="access_tokens")
    op.drop_index("ix_access_tokens_customer_id", table_name="access_tokens")
    op.drop_index("ix_access_tokens_client_id", table_name="access_tokens")
    op.drop_table("access_tokens")
