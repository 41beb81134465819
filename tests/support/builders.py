"""Small values for tests of the rules: each has defaults that permit, and takes what differs."""

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from consent_service.catalogue.log_retention import log_retention
from consent_service.catalogue.model import (
    Catalogue,
    Change,
    Channel,
    Confirmation,
    Controller,
    DataCategory,
    Jurisdiction,
    LegalBasis,
    NoticeVersion,
    Purpose,
    PurposeText,
    Recipient,
    RecipientRole,
    Regime,
    Touchpoint,
)
from consent_service.consents.model import Event, EventKind, NewEvent, Record, State
from consent_service.customers.model import Facts, IdentifierType
from consent_service.decisions.model import Person, Question
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.ids import CustomerId
from consent_service.suppressions.model import Reason, Suppression

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PURPOSE = "news"
CUSTOMER = CustomerId(UUID(int=1))

_names = itertools.count(1)


def ago(**parts):
    return NOW - timedelta(**parts)


def an_id(number=None):
    return UUID(int=next(_names) + (1 << 64) if number is None else number)


def make_purpose(**changes):
    values = {
        "key": PURPOSE,
        "text": {"en": PurposeText("News", "What is new.", "You hear of it.")},
        "legal_basis": LegalBasis.CONSENT,
        "notice": "notice",
        "channels": (Channel.EMAIL,),
        "data_categories": ("email_address", "name"),
        "data_sources": (),
        "recipients": ("mailer",),
        "default_regime": Regime.OPT_IN,
        "regime_rules": (),
        "direct_marketing": True,
        "sale_or_targeted_advertising": False,
        "explicit": False,
        "separate": False,
        "minimum_age": None,
        "confirmation": Confirmation.SINGLE,
        "restriction_ground": None,
        "validity_days": None,
        "retention_days": 730,
        "proof_retention_days": 1095,
        "answer_lifetime_s": 60,
    }
    return Purpose(**{**values, **changes})


def make_notice(version="1", change=Change.MATERIAL, in_use_from=NOW - timedelta(days=400)):
    return NoticeVersion("notice", version, change, in_use_from, {"en": f"Notice {version}"})


def make_catalogue(*purposes, **changes):
    """Accepts every basis in DE, and in XX consent alone."""
    found = purposes or (make_purpose(),)
    values = {
        "version": 1,
        "recorded_from": ago(days=500),
        "languages": ("en",),
        "controller": Controller("Controller", "a@example.org", "b@example.org", None, "#000000"),
        "jurisdictions": {
            "DE": Jurisdiction("DE", frozenset(LegalBasis), {}, 0, ""),
            "XX": Jurisdiction("XX", frozenset({LegalBasis.CONSENT}), {}, 0, ""),
        },
        "data_categories": {
            key: DataCategory(key, {}, sensitive=False) for key in ("email_address", "name", "age")
        },
        "data_sources": {},
        "recipients": {
            key: Recipient(key, RecipientRole.PROCESSOR, "DE", {}) for key in ("mailer", "broker")
        },
        "touchpoints": {"web": Touchpoint("web", "web", {})},
        "notices": {"notice": (make_notice(),)},
        "purposes": {purpose.key: purpose for purpose in found},
        "log_retention_days": log_retention({}, []),
    }
    return Catalogue(**{**values, **changes})


def make_record(state=State.GIVEN, **changes):
    values = {
        "purpose": PURPOSE,
        "channel": Channel.EMAIL,
        "state": state,
        "happened_at": ago(days=10),
        "event_id": UUID(int=7),
        "notice_version": "1" if state is State.GIVEN else None,
        "by_guardian": False,
        "direct": True,
        "revision": 2,
        "recorded_from": ago(days=10),
    }
    return Record(**{**values, **changes})


def make_facts(jurisdiction="DE", age_band=None, *, restricted=False, gpc_since=None):
    return Facts(jurisdiction, age_band, restricted, gpc_since)


def make_mark(reason=Reason.COMPLAINED, **changes):
    values = {
        "id": an_id(),
        "reason": reason,
        "channel": None,
        "identifier_type": IdentifierType.EMAIL,
        "happened_at": ago(days=5),
        "recorded_from": ago(days=5),
        "identifier_id": UUID(int=11),
    }
    return Suppression(**{**values, **changes})


def make_person(record=None, *, facts=None, **changes):
    """Somebody here, with that record or none."""
    records = {} if record is None else {(record.purpose, record.channel): record}
    return Person(facts or make_facts(), changes.pop("records", records), **changes)


def make_question(**changes):
    values = {
        "purpose": PURPOSE,
        "channel": Channel.EMAIL,
        "data_categories": None,
        "recipient": "mailer",
    }
    return Question(**{**values, **changes})


def make_event(kind=EventKind.GIVEN, happened_at=NOW, **changes):
    """A recorded event. Its id is of what it says, so that the same one comes twice."""
    kind = EventKind(kind)
    values = {
        "customer_id": CUSTOMER,
        "revision": 1,
        "purpose": PURPOSE,
        "channel": Channel.EMAIL,
        "kind": kind,
        "happened_at": happened_at,
        "captured_at": happened_at,
        "recorded_at": happened_at,
        "notice_version": "1" if kind.is_yes else None,
        "language": "en" if kind.is_yes else None,
        "touchpoint": "web",
        "lifecycle_stage": None,
        "actor": Actor(ActorKind.CLIENT, "website"),
        "by_guardian": False,
        "imported": False,
        "proof": None,
        **changes,
    }
    said = repr(
        [values[name] for name in sorted(values) if name not in ("revision", "recorded_at")]
    )
    return Event(values.pop("id", None) or uuid5(UUID(int=0), said), **values)


def make_new_event(kind=EventKind.GIVEN, **changes):
    """An event as it comes in."""
    kind = EventKind(kind)
    values = {
        "who": CUSTOMER,
        "purpose": PURPOSE,
        "kind": kind,
        "channel": Channel.EMAIL,
        "notice_version": "1" if kind.is_yes else None,
        "language": "en" if kind.is_yes else None,
        "touchpoint": "web",
        "captured_at": NOW,
    }
    return NewEvent(**{**values, **changes})
