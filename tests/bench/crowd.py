"""Customers by the million beside the few that are asked about, made by PostgreSQL itself. Their
ids fall between those of the few, and they are added in order of id, in which an index grows fast.
Their entries are of a day long past, which a sealer that has swept once does not look at. Nothing
of theirs can be opened: nobody asks about them."""

from tests.bench.serving import NEWSLETTER

PURPOSES = (NEWSLETTER, *(f"filling.purpose_{n}" for n in range(9)))

_IDS = """CREATE TABLE crowd AS SELECT g, (lpad(to_hex(lo + (g * 7919) % span), 12, '0') || '7' ||
 substr(md5(g::text), 1, 3) || '8' || substr(md5(g::text), 4, 15))::uuid AS id
FROM generate_series({lo}::bigint, {hi} - 1) g,
 (SELECT min(at) lo, greatest(max(at) - min(at), 1) span FROM (SELECT
 ('x' || left(replace(customer_id::text, '-', ''), 12))::bit(48)::bigint AS at FROM customers) a) b
ORDER BY id
"""
_FILL = (
    "INSERT INTO customers SELECT id, 2, now(), 'en', {b128}, {b16} FROM crowd",
    """INSERT INTO customer_facts (customer_id, revision, recorded_from, jurisdiction, restricted)
    SELECT id, 1, now(), 'DE', false FROM crowd""",
    """INSERT INTO customer_keys SELECT id, kind, {b64}, '\\x00000000'
    FROM crowd, (VALUES ('life'), ('proof')) k (kind)""",
    """INSERT INTO customer_identifiers
    SELECT id, id, 'email', {b80}, 'import', {b32}, now() FROM crowd""",
    "INSERT INTO identifier_index SELECT {b32}, '\\x00000000', 1, id, id FROM crowd",
    """INSERT INTO consent_records SELECT id, purpose, 'email', 2, now(), NULL, 'given', now(), id,
    (SELECT max(notice_version) FROM consent_records WHERE state = 'given'), false, true, NULL
    FROM crowd, unnest(ARRAY{purposes}) purpose""",
    """INSERT INTO ledger_entries (customer_id, id, known, kind, occurred_at, recorded_at,
    client_id, purpose, channel, data_categories, recipient, outcome, reason, commitment, token,
    payload, apart) SELECT id, (lpad(to_hex({past} + row_number() OVER ()), 12, '0') || '7' ||
    substr(md5(g::text), 1, 3) || '8' || substr(md5(g::text), 4, 15))::uuid, true, 'decision',
    now(), now(), 'campaigns', '{newsletter}', 'email', 'email_address', 'email_service', 'permit',
    'consent_given', {b32}, {b16}, {b224}, false FROM crowd, generate_series(1, {entries})""",
    "DROP TABLE crowd",
)
_PAST = 1_735_689_600_000  # milliseconds: 2025-01-01
_BYTES = "decode(repeat(md5(g::text), {}), 'hex')"
_PARTS = {f"b{16 * n}": _BYTES.format(n) for n in (1, 2, 4, 5, 8, 14)}


def grow(connection, lo, hi, purposes=PURPOSES, entries=4):
    """Adds the customers numbered from `lo` up to `hi`, each with a record of each purpose and so
    many entries of the log, and lets the planner know."""
    connection.execute("SET synchronous_commit = off")
    connection.execute(_IDS.format(lo=lo, hi=hi))
    names = {"purposes": list(purposes), "newsletter": NEWSLETTER, "entries": entries}
    for statement in _FILL:
        connection.execute(statement.format(**_PARTS, **names, past=_PAST + lo * entries))
    connection.execute("VACUUM (ANALYZE)")
    connection.execute("CHECKPOINT")
