"""The catalogue as values, and the pure questions asked of it. No I/O.

Where to add a rule about purposes: the field goes here and into `document.py`, the rule
itself into `decisions/model.py`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from consent_service.catalogue.jurisdictions import jurisdiction_chain
from consent_service.kernel.answers import kept
from consent_service.ledger.model import EntryKind

Texts = Mapping[str, str]

REQUEST_KINDS = ("access", "portability", "rectification", "erasure", "restriction", "objection")


class LegalBasis(StrEnum):
    """Why processing is lawful. Source: GDPR art. 6(1)."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"


class Regime(StrEnum):
    """Whether silence means no (`opt_in`) or yes (`opt_out`)."""

    OPT_IN = "opt_in"
    OPT_OUT = "opt_out"


class Channel(StrEnum):
    """How a person is reached."""

    EMAIL = "email"
    SMS = "sms"
    PHONE = "phone"
    PUSH = "push"
    POST = "post"
    MESSENGER = "messenger"
    ONSITE = "onsite"


class Change(StrEnum):
    """What a notice version is to the one before it; `material` asks again."""

    MINOR = "minor"
    MATERIAL = "material"


class Confirmation(StrEnum):
    """Whether a yes counts at once or after a confirming mail."""

    SINGLE = "single"
    DOUBLE = "double"


class Party(StrEnum):
    """Whose source data came from."""

    FIRST = "first"
    SECOND = "second"
    THIRD = "third"


class RecipientRole(StrEnum):
    """What a recipient is to the controller."""

    INTERNAL = "internal"
    PROCESSOR = "processor"
    PARTNER = "partner"


class RestrictionGround(StrEnum):
    """Why data may be used although its processing is restricted. Source: GDPR art. 18(2)."""

    LEGAL_CLAIMS = "legal_claims"
    RIGHTS_OF_OTHERS = "rights_of_others"
    PUBLIC_INTEREST = "public_interest"


@dataclass(frozen=True, slots=True)
class Controller:
    """Who answers for the data."""

    name: str
    contact: str
    privacy_officer: str
    logo: str | None
    accent_colour: str


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """What a law accepts and how long it gives: for each kind of request, and for the extension,
    days or months. `working_days` names which of the days are such."""

    code: str
    accepted_bases: frozenset[LegalBasis]
    request_days: Mapping[str, int]
    extension_days: int
    source: str
    working_days: frozenset[str] = frozenset()
    request_months: Mapping[str, int] = field(default_factory=dict)
    extension_months: int = 0


@dataclass(frozen=True, slots=True)
class DataCategory:
    """A kind of data. `profile_fields` are those of a profile that hold it."""

    key: str
    text: Texts
    sensitive: bool
    profile_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataSource:
    """Where data came from."""

    key: str
    party: Party
    text: Texts


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who receives data. `country` is ISO 3166."""

    key: str
    role: RecipientRole
    country: str
    text: Texts


@dataclass(frozen=True, slots=True)
class Touchpoint:
    """Where a choice is made. `origins` are the sites that may show the preference widget."""

    key: str
    kind: str
    text: Texts
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoticeVersion:
    """Exactly what was shown, by language, from `in_use_from` (aware UTC) on."""

    key: str
    version: str
    change: Change
    in_use_from: datetime
    text: Texts

    def sha256(self, language: str) -> str:
        """SHA-256, in hex, of the UTF-8 text that was shown in a language it has."""
        return hashlib.sha256(self.text[language].encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class RegimeRule:
    """A regime for a channel, a jurisdiction or both; None stands for any."""

    channel: Channel | None
    jurisdiction: str | None
    regime: Regime


@dataclass(frozen=True, slots=True)
class PurposeText:
    """A purpose in one language."""

    title: str
    description: str
    benefit: str


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why data is used, and every rule that goes with it. Days are whole days."""

    key: str
    text: Mapping[str, PurposeText]
    legal_basis: LegalBasis
    notice: str
    channels: tuple[Channel, ...]
    data_categories: tuple[str, ...]
    data_sources: tuple[str, ...]
    recipients: tuple[str, ...]
    default_regime: Regime
    regime_rules: tuple[RegimeRule, ...]
    direct_marketing: bool
    sale_or_targeted_advertising: bool
    explicit: bool
    separate: bool
    minimum_age: int | None
    confirmation: Confirmation
    restriction_ground: RestrictionGround | None
    validity_days: int | None
    retention_days: int
    proof_retention_days: int
    answer_lifetime_s: int
    answers: dict[Any, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    @kept
    def regime(self, channel: Channel | None, jurisdiction: str | None) -> Regime:
        """The regime that applies. The most exact rule wins: a region (`US-CA`) before its
        country (`US`), and there one for the channel before one for any. Where none names the
        jurisdiction, or it is unknown, the strictest declared for the channel applies."""
        rules = [rule for rule in self.regime_rules if rule.channel in (None, channel)]
        for code in jurisdiction_chain(jurisdiction):
            named = {rule.channel: rule.regime for rule in rules if rule.jurisdiction == code}
            if named:
                return named.get(channel) or named[None]
        anywhere = [rule.regime for rule in rules if rule.jurisdiction is None]
        elsewhere = [rule.regime for rule in rules if rule.jurisdiction is not None]
        strict = Regime.OPT_IN in (*(anywhere or [self.default_regime]), *elsewhere)
        return Regime.OPT_IN if strict else Regime.OPT_OUT


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The document of `version` (0 before the first), in force since `recorded_from`; by key."""

    version: int
    recorded_from: datetime
    languages: tuple[str, ...]
    controller: Controller
    jurisdictions: Mapping[str, Jurisdiction]
    data_categories: Mapping[str, DataCategory]
    data_sources: Mapping[str, DataSource]
    recipients: Mapping[str, Recipient]
    touchpoints: Mapping[str, Touchpoint]
    notices: Mapping[str, tuple[NoticeVersion, ...]]
    purposes: Mapping[str, Purpose]
    log_retention_days: Mapping[EntryKind, int]
    erasure_grace_days: int = 0
    answers: dict[Any, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def touchpoint_at(self, origin: str) -> Touchpoint | None:
        """The touchpoint that a site belongs to."""
        return next((t for t in self.touchpoints.values() if origin in t.origins), None)

    def find_notice(self, key: str, version: str) -> NoticeVersion | None:
        """That version of a notice; `notices` are in order of `in_use_from`."""
        return next((n for n in self.notices[key] if n.version == version), None)

    def notice_in_use(self, key: str, at: datetime) -> NoticeVersion | None:
        """The version in use at an instant; None before the first."""
        return next((n for n in reversed(self.notices[key]) if n.in_use_from <= at), None)

    def is_outdated(self, key: str, version: str, at: datetime) -> bool:
        """Whether a material version came into use after that one: an answer under it no
        longer holds. A version the catalogue does not know is outdated."""
        since = self._outdated_since(key, version)
        return since is not None and since <= at

    @kept
    def _outdated_since(self, key: str, version: str) -> datetime | None:
        seen = self.find_notice(key, version)
        if seen is None:
            return datetime.min.replace(tzinfo=UTC)
        material = [n.in_use_from for n in self.notices[key] if n.change is Change.MATERIAL]
        return min((since for since in material if since > seen.in_use_from), default=None)

    def strictest(self, jurisdictions: Sequence[str | None]) -> str | None:
        """The one that asks most: fewest accepted bases, then fewest opt-out uses. An unknown
        one (None) is judged by the strictest rules already, and wins."""
        if None in jurisdictions:
            return None

        def leniency(code: str | None) -> tuple[int, int]:
            opt_outs = sum(
                purpose.regime(channel, code) is Regime.OPT_OUT
                for purpose in self.purposes.values()
                for channel in purpose.channels or (None,)
            )
            return len(self.accepted_bases(code)), opt_outs

        return min(jurisdictions, key=leniency)

    @kept
    def accepted_bases(self, jurisdiction: str | None) -> frozenset[LegalBasis]:
        """The bases a jurisdiction accepts; of one not declared, those that all accept."""
        for code in jurisdiction_chain(jurisdiction):
            if code in self.jurisdictions:
                return self.jurisdictions[code].accepted_bases
        every = (declared.accepted_bases for declared in self.jurisdictions.values())
        return frozenset(LegalBasis).intersection(*every)
