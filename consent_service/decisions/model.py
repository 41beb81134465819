"""The rule book: one pure function from facts to a verdict, first match wins.

Every check, single or many, goes through `decide`; no rule is written a second time elsewhere.
Source: DESIGN.md section 3, "A decision, rule by rule".
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

from consent_service.catalogue.model import Catalogue, Channel, LegalBasis, Purpose, Regime
from consent_service.consents.model import Record, State, expires_at, is_expired, record_for
from consent_service.customers.model import Facts, IdentifierType
from consent_service.kernel.ids import CustomerId
from consent_service.suppressions import model as suppressions
from consent_service.suppressions.model import Suppression

CAMPAIGN_PATTERN = r"[A-Za-z0-9._:\-]+"


class Outcome(StrEnum):
    """The answer. Deny is the answer to every doubt."""

    PERMIT = "permit"
    DENY = "deny"


class Reason(StrEnum):
    """Why."""

    UNKNOWN_PURPOSE = "unknown_purpose"
    RECIPIENT_NOT_ALLOWED = "recipient_not_allowed"
    CATEGORY_NOT_ALLOWED = "category_not_allowed"
    CHANNEL_NOT_ALLOWED = "channel_not_allowed"
    CHANNEL_REQUIRED = "channel_required"
    SUPPRESSED = "suppressed"
    NO_RECORD = "no_record"
    RESTRICTED = "restricted"
    GUARDIAN_REQUIRED = "guardian_required"
    LEGAL_BASIS = "legal_basis"
    CONSENT_GIVEN = "consent_given"
    NOT_OPTED_OUT = "not_opted_out"
    REQUESTED = "requested"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"
    REVOKED = "revoked"
    EXPIRED = "expired"
    NOTICE_OUTDATED = "notice_outdated"
    GPC = "gpc"


class Question(Struct, frozen=True, gc=False):
    """What is asked. `recipient` None: the caller acts for nobody it may act for.
    `data_categories` None: all that the purpose declares."""

    purpose: str
    channel: Channel | None
    data_categories: tuple[str, ...] | None
    recipient: str | None


class Person(Struct, frozen=True, gc=False):
    """What is known of whom it is asked about. `facts` None: nobody known, or erased.

    `asked_by` is the identifier the caller named, by type and id; `addresses` are the person's
    identifiers by type: both tell whether an undeliverable address is the one to be used.
    """

    facts: Facts | None
    records: Mapping[tuple[str, Channel | None], Record]
    marks: tuple[Suppression, ...] = ()
    asked_by: tuple[IdentifierType, UUID | None] | None = None
    addresses: Mapping[IdentifierType, frozenset[UUID]] | None = None


class Verdict(Struct, frozen=True, gc=False):
    """An answer with what it rests on. `channel` and categories are those it speaks of."""

    outcome: Outcome
    reason: Reason
    channel: Channel | None
    data_categories: tuple[str, ...]
    record: Record | None
    valid_until: datetime


class Check(Struct, frozen=True, gc=False):
    """One check as it comes in: a question about somebody named by id or by identifier.
    `pointer` leads to it in the body."""

    question: Question
    customer_id: CustomerId | None
    identifier: Any
    context: Mapping[str, str]
    at_least_as_fresh: tuple[CustomerId, int] | None = None
    pointer: str = ""


class Decision(Struct, frozen=True, gc=False):
    """A verdict as given and logged. `place` is the customer, or `id` itself for nobody known."""

    id: UUID
    place: UUID
    verdict: Verdict
    purpose: str
    evaluated_at: datetime


_PERMITS = frozenset({Reason.LEGAL_BASIS, Reason.CONSENT_GIVEN, Reason.NOT_OPTED_OUT})
_NEEDS_NO_CONSENT = (LegalBasis.CONTRACT, LegalBasis.LEGAL_OBLIGATION, LegalBasis.VITAL_INTERESTS)
_MAY_BE_OBJECTED_TO = (LegalBasis.LEGITIMATE_INTERESTS, LegalBasis.PUBLIC_TASK)


def outcome_of(reason: Reason) -> Outcome:
    """The answer that a reason is given for."""
    return Outcome.PERMIT if reason in _PERMITS else Outcome.DENY


def channel_meant(question: Question, purpose: Purpose) -> Channel | None:
    """The channel that is asked about: the purpose's only one, where none is named."""
    if question.channel is None and len(purpose.channels) == 1:
        return purpose.channels[0]
    return question.channel


def decide(question: Question, person: Person, catalogue: Catalogue, now: datetime) -> Verdict:
    """The verdict. The purpose must be in the catalogue: rule 1 is the caller's."""
    purpose = catalogue.purposes[question.purpose]
    channel = channel_meant(question, purpose)
    record = record_for(person.records, purpose.key, channel)
    reason = (
        _not_as_declared(question, purpose, channel)
        or _kept_from(purpose, channel, person, record)
        or _by_basis(purpose, channel, person.facts, record, catalogue, now)
    )
    return Verdict(
        outcome_of(reason),
        reason,
        channel,
        purpose.data_categories if question.data_categories is None else question.data_categories,
        record,
        _valid_until(purpose, record, reason, now),
    )


def _not_as_declared(
    question: Question, purpose: Purpose, channel: Channel | None
) -> Reason | None:
    """Rules 2 and 3: what the catalogue does not declare."""
    if question.recipient is None or question.recipient not in purpose.recipients:
        return Reason.RECIPIENT_NOT_ALLOWED
    if not set(question.data_categories or ()) <= set(purpose.data_categories):
        return Reason.CATEGORY_NOT_ALLOWED
    if channel is None and purpose.channels:
        return Reason.CHANNEL_REQUIRED
    if channel is not None and channel not in purpose.channels:
        return Reason.CHANNEL_NOT_ALLOWED
    return None


def _kept_from(
    purpose: Purpose, channel: Channel | None, person: Person, record: Record | None
) -> Reason | None:
    """Rules 4 to 7: what stands before any basis."""
    if any(_counts(mark, purpose, channel, person, record) for mark in person.marks):
        return Reason.SUPPRESSED
    facts = person.facts
    if facts is None:
        return Reason.NO_RECORD
    if facts.restricted and purpose.restriction_ground is None:
        return Reason.RESTRICTED
    if _is_too_young(purpose, facts) and not _said_by_guardian(record):
        return Reason.GUARDIAN_REQUIRED
    return None


def _by_basis(
    purpose: Purpose,
    channel: Channel | None,
    facts: Facts | None,
    record: Record | None,
    catalogue: Catalogue,
    now: datetime,
) -> Reason:
    """Rules 8 to 12: what the legal basis says."""
    assert facts is not None  # rule 5 has answered for nobody known
    accepted = purpose.legal_basis in catalogue.accepted_bases(facts.jurisdiction)
    if accepted and purpose.legal_basis in _NEEDS_NO_CONSENT:
        return Reason.LEGAL_BASIS
    if accepted and purpose.legal_basis in _MAY_BE_OBJECTED_TO:
        return _opted_out(purpose, facts, record) or Reason.LEGAL_BASIS
    opt_out = (
        accepted
        and not purpose.explicit
        and purpose.regime(channel, facts.jurisdiction) is Regime.OPT_OUT
    )
    if opt_out:
        return _opted_out(purpose, facts, record) or Reason.NOT_OPTED_OUT
    return _by_consent(purpose, record, catalogue, now)


def _by_consent(
    purpose: Purpose, record: Record | None, catalogue: Catalogue, now: datetime
) -> Reason:
    if record is None:
        return Reason.NO_RECORD
    if record.state is not State.GIVEN:
        return Reason(record.state.value)
    if is_expired(record, purpose, now):
        return Reason.EXPIRED
    if catalogue.is_outdated(purpose.notice, record.notice_version or "", now):
        return Reason.NOTICE_OUTDATED
    return Reason.CONSENT_GIVEN


def _opted_out(purpose: Purpose, facts: Facts, record: Record | None) -> Reason | None:
    if record is not None and record.no is not None:
        return Reason(record.no.value)
    if purpose.sale_or_targeted_advertising and facts.gpc_since is not None:
        return Reason.GPC
    return None


def _counts(
    mark: Suppression,
    purpose: Purpose,
    channel: Channel | None,
    person: Person,
    record: Record | None,
) -> bool:
    if mark.closed_at is not None or not suppressions.reaches(mark, purpose, channel):
        return False
    if mark.reason is suppressions.Reason.UNDELIVERABLE:
        return _is_the_address(mark, channel, person)
    if mark.reason in suppressions.DIRECT_MARKETING:
        return not _lifted(mark, record)
    return True


def _lifted(mark: Suppression, record: Record | None) -> bool:
    """Only a newer yes, given directly by the person, for this very use."""
    return (
        record is not None
        and record.state is State.GIVEN
        and record.direct
        and record.happened_at > mark.happened_at
    )


def _is_the_address(mark: Suppression, channel: Channel | None, person: Person) -> bool:
    """Asked by an address: that one. Asked otherwise: no deliverable one is left."""
    if person.asked_by is not None and person.asked_by[0] is mark.identifier_type:
        return person.asked_by[1] == mark.identifier_id
    dead = {
        other.identifier_id
        for other in person.marks
        if other.reason is mark.reason
        and other.closed_at is None
        and other.identifier_type is mark.identifier_type
        and other.channel in (None, channel)
    }
    return (person.addresses or {}).get(mark.identifier_type, frozenset()) <= dead


def _is_too_young(purpose: Purpose, facts: Facts) -> bool:
    if purpose.minimum_age is None or facts.age_band is None:
        return False
    return facts.age_band.youngest < purpose.minimum_age


def _said_by_guardian(record: Record | None) -> bool:
    return record is not None and record.by_guardian


def _valid_until(
    purpose: Purpose, record: Record | None, reason: Reason, now: datetime
) -> datetime:
    until = now + timedelta(seconds=purpose.answer_lifetime_s)
    end = None if record is None else expires_at(record, purpose)
    if reason is Reason.CONSENT_GIVEN and end is not None:
        return min(until, end)
    return until
