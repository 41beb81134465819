"""What a package tells: every table and column by name. What is not named here is in no form of a
package, whatever a room exports.

`!` marks what portability tells too: what the person gave, and what was seen of them, in a form to
take elsewhere; not what was made of it here. Source: GDPR art. 15, 20.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

FORMAT = "consent-package"
VERSION = 1


class CellKind(StrEnum):
    """What stands in a column. Anything may be null."""

    TEXT = "text"
    TIME = "time"
    NUMBER = "number"
    TRUTH = "truth"
    LIST = "list"
    OBJECT = "object"


class Column(Struct, frozen=True):
    """A column."""

    name: str
    kind: CellKind
    portable: bool


class Table(Struct, frozen=True):
    """A table, with its columns in order."""

    name: str
    columns: tuple[Column, ...]

    def of(self, *, portable: bool) -> tuple[Column, ...]:
        """The columns that a package has."""
        return tuple(c for c in self.columns if c.portable or not portable)


def _table(name: str, columns: str) -> Table:
    return Table(name, tuple(_column(word) for word in columns.split()))


def _column(word: str) -> Column:
    name, _, kind = word.rstrip("!").partition(":")
    return Column(name, CellKind(kind or "text"), word.endswith("!"))


TABLES = (
    _table("customer", "id! created_at:time! language!"),
    _table("former_ids", "id merged_at:time"),
    _table("profile", "name! value! source! party!"),
    _table("identifiers", "type! value! source! party! added_at:time!"),
    _table("facts", "recorded_from:time! jurisdiction age_band restricted:truth gpc_since:time!"),
    _table("sources", "source party text identifiers:list profile:list"),
    _table("consent_records", "purpose! title! channel! state! since:time! notice_version!"),
    _table(
        "consent_events",
        "id! event! purpose! title! channel! happened_at:time! captured_at:time! recorded_at:time! "
        "notice_version! language! wording! touchpoint! lifecycle_stage! recorded_by "
        "by_agent:truth by_guardian:truth imported:truth evidence:object! receipt!",
    ),
    _table(
        "suppressions",
        "reason channel identifier_type happened_at:time recorded_at:time closed_at:time",
    ),
    _table(
        "log",
        "id kind occurred_at:time recorded_at:time client_id purpose channel data_categories:list "
        "recipient touchpoint outcome reason catalogue_version:number leaf_index:number "
        "details:object text",
    ),
    _table("recipients", "recipient! name! role country last_used_at:time files:number!"),
    _table("files", "path! recipient! content_type! size:number!"),
    _table("sign_ins", "signed_in_at:time! last_seen_at:time! expires_at:time browser!"),
    _table(
        "allowed_apps",
        "client_id! scopes:list! allowed_at:time! expires_at:time! last_used_at:time! "
        "ended_at:time!",
    ),
    _table("letters_waiting", "kind created_at:time expires_at:time"),
    _table(
        "privacy_requests",
        "id! kind! state received_at:time! due_at:time touchpoint! identity held:truth "
        "restricts:truth lift_at:time! note!",
    ),
    _table("privacy_request_steps", "request_id step at:time actor words reason"),
    _table("packages", "request_id state ready_at:time ended_at:time"),
)
BY_NAME: Mapping[str, Table] = {table.name: table for table in TABLES}

# What the log says beside its columns, by kind of entry. What a room adds to an entry is not told
# until it stands here; names of staff and what they wrote stand in no list.
_DETAILS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "decision": {"": ("context", "asked_by", "notice_version", "valid_until")},
    "disclosure": {"decision": ("outcome", "reason", "evaluated_at", "valid_until")},
    "consent": {"": ("signal", "state", "notice_version", "language", "captured_at")},
    "privacy_request": {"": ("request", "due_at", "words")},
    "staff_act": {"": ("absorbed",)},
}
_CONTEXT = ("campaign", "touchpoint", "lifecycle_stage")


def tables(*, portable: bool) -> tuple[Table, ...]:
    """The tables that a package has, in order."""
    return tuple(table for table in TABLES if table.of(portable=portable))


def pick(table: Table, row: Mapping[str, Any], *, portable: bool) -> dict[str, Any]:
    """Of a row what is told."""
    return {column.name: row.get(column.name) for column in table.of(portable=portable)}


def details_of(kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Of what an entry of the log holds sealed, what is told."""
    told: dict[str, Any] = {}
    for within, names in _DETAILS.get(kind, {}).items():
        held = payload.get(within, {}) if within else payload
        told |= {name: held[name] for name in names if held.get(name) is not None}
    if "context" in told:
        told["context"] = {name: v for name, v in told["context"].items() if name in _CONTEXT}
    return told
