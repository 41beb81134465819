"""Every column that holds text or bytes in the clear. A personal value belongs in a SealedBytes
column and never here; what is listed is a key, a code, a hash, or of the company's own making."""

CLEAR = {
    "access_tokens": "sha256 client_id scopes recipients",
    "authorization_codes": "sha256 client_id redirect_uri scopes code_challenge",
    "catalogues": "document sha256 actor_kind actor_id",
    "client_secrets": "client_id sha256",
    "client_quotas": "client_id budget",
    "clients": "id name scopes recipients kind redirect_uris jwks auth_method",
    "consent_events": "purpose channel kind notice_version language touchpoint lifecycle_stage "
    "actor_kind actor_id",
    "consent_records": "purpose channel state notice_version standing_no",
    "customer_grants": "client_id scopes",
    "customer_facts": "jurisdiction age_band",
    "customer_identifiers": "type source digest",
    "customer_keys": "kind master_id",
    "customer_suppressions": "identifier_type reason channel",
    "customers": "language",
    "idempotency_claims": "client_id key_digest fingerprint",
    "idempotency_records": "client_id key_digest",
    "identifier_index": "digest key_id",
    "jobs": "name last_error_kind",
    "key_marks": "key_id use fingerprint",
    "ledger_entries": "kind client_id purpose channel data_categories recipient touchpoint "
    "outcome reason salt token",
    "mail_outbox": "kind",
    "refresh_tokens": "sha256 parent client_id scopes",
    "sessions": "sha256 browser",
    "sign_in_links": "sha256 binding",
    "sign_in_requests": "binding",
    "staff": "name roles password_hash",
    "staff_enrolments": "sha256",
    "suppressions": "digest identifier_type reason channel source",
    "throttle_counters": "digest",
    "used_assertions": "client_id jti_sha256",
}
