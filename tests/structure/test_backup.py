"""Every table is in a backup, or is left out for a reason that is written down."""

from consent_service.operations import rows_store
from consent_service.operations.model import APART, LEFT_OUT
from tests.support.tables import all_tables

KEPT = [
    "catalogues",
    "client_quotas",
    "client_secrets",
    "clients",
    "consent_events",
    "consent_records",
    "customer_aliases",
    "customer_facts",
    "customer_grants",
    "customer_identifiers",
    "customer_suppressions",
    "customers",
    "effort_counts",
    "erasures",
    "identifier_index",
    "kept_proofs",
    "key_marks",
    "ledger_batches",
    "ledger_checkpoints",
    "ledger_cosignatures",
    "ledger_entries",
    "ledger_former_names",
    "ledger_gone",
    "ledger_head",
    "ledger_leaves",
    "ledger_retention",
    "ledger_tiles",
    "package_parts",
    "package_pieces",
    "packages",
    "privacy_request_intake",
    "privacy_request_steps",
    "privacy_requests",
    "recipient_tasks",
    "restores",
    "screening_shards",
    "screenings",
    "staff",
    "suppressions",
    "unsubscribe_links",
    "webhook_head",
    "webhook_secrets",
    "webhooks",
    "witnesses",
]


def test_of_every_table_it_is_decided_whether_it_comes_back():
    assert {*KEPT, *APART, *LEFT_OUT} == set(all_tables()) == set(rows_store.list_tables())
    assert len({*KEPT, *APART, *LEFT_OUT}) == len(KEPT) + len(APART) + len(LEFT_OUT)
