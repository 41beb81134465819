"""The catalogue document: read and checked, then built into values; and its canonical form."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import rfc8785

from consent_service.catalogue import positions
from consent_service.catalogue.checks import Place
from consent_service.catalogue.faults import Faults
from consent_service.catalogue.log_retention import log_retention
from consent_service.catalogue.model import (
    Catalogue,
    Change,
    Channel,
    Confirmation,
    Controller,
    DataCategory,
    DataSource,
    Jurisdiction,
    LegalBasis,
    NoticeVersion,
    Party,
    Purpose,
    PurposeText,
    Recipient,
    RecipientRole,
    Regime,
    RegimeRule,
    RestrictionGround,
    Touchpoint,
)
from consent_service.catalogue.positions import Source
from consent_service.catalogue.references import check_references
from consent_service.catalogue.shape import document_shape
from consent_service.kernel.clock import parse_rfc3339

Document = Mapping[str, Any]


def parse(text: str | bytes) -> Source:
    """The document in YAML or JSON text, checked through and through.

    Raises: MalformedDocument when it is neither; Invalid with every fault, by line.
    """
    source = positions.read(text)
    faults = Faults(source.lines)
    declared = source.document.get("languages")
    languages = declared if isinstance(declared, list) else []
    root = Place(faults, "")
    document_shape([tag for tag in languages if isinstance(tag, str)])(source.document, root)
    check_references(source.document, root)
    faults.raise_any()
    return source


def canonical(document: Document) -> bytes:
    """The same bytes for the same content, however it was written. Source: RFC 8785."""
    return rfc8785.dumps(dict(document))


def build(document: Document, version: int, recorded_from: datetime) -> Catalogue:
    """The values of a document that `parse` has let pass."""
    return Catalogue(
        version=version,
        recorded_from=recorded_from,
        languages=tuple(document["languages"]),
        controller=Controller(**document["controller"]),
        jurisdictions={
            code: _jurisdiction(code, entry) for code, entry in document["jurisdictions"].items()
        },
        data_categories={e["key"]: _category(e) for e in document["data_categories"]},
        data_sources={
            e["key"]: DataSource(e["key"], Party(e["party"]), e["text"])
            for e in document["data_sources"]
        },
        recipients={
            e["key"]: Recipient(e["key"], RecipientRole(e["role"]), e["country"], e["text"])
            for e in document["recipients"]
        },
        touchpoints={
            e["key"]: Touchpoint(e["key"], e["kind"], e["text"], tuple(e.get("origins", ())))
            for e in document["touchpoints"]
        },
        notices=_notices(document),
        purposes={e["key"]: _purpose(e) for e in document["purposes"]},
        log_retention_days=log_retention(
            document.get("log_retention_days", {}),
            [e["proof_retention_days"] for e in document["purposes"]],
        ),
        erasure_grace_days=document.get("erasure_grace_days", 0),
    )


def _category(entry: Document) -> DataCategory:
    fields = tuple(entry.get("profile_fields", ()))
    return DataCategory(entry["key"], entry["text"], entry["sensitive"], fields)


def _jurisdiction(code: str, entry: Document) -> Jurisdiction:
    return Jurisdiction(
        code,
        frozenset(LegalBasis(basis) for basis in entry["accepted_bases"]),
        entry.get("request_days", {}),
        entry.get("extension_days", 0),
        entry["source"],
        frozenset(entry.get("working_days", ())),
        entry.get("request_months", {}),
        entry.get("extension_months", 0),
    )


def _notices(document: Document) -> dict[str, tuple[NoticeVersion, ...]]:
    found: dict[str, tuple[NoticeVersion, ...]] = {}
    for entry in document["notices"]:
        notice = NoticeVersion(
            entry["key"],
            entry["version"],
            Change(entry["change"]),
            parse_rfc3339(entry["in_use_from"]),
            entry["text"],
        )
        found[notice.key] = (*found.get(notice.key, ()), notice)
    return found


def _purpose(entry: Document) -> Purpose:
    ground = entry["restriction_ground"]
    return Purpose(
        key=entry["key"],
        text={language: PurposeText(**words) for language, words in entry["text"].items()},
        legal_basis=LegalBasis(entry["legal_basis"]),
        notice=entry["notice"],
        channels=tuple(Channel(channel) for channel in entry["channels"]),
        data_categories=tuple(entry["data_categories"]),
        data_sources=tuple(entry["data_sources"]),
        recipients=tuple(entry["recipients"]),
        default_regime=Regime(entry["regime"]["default"]),
        regime_rules=tuple(_rule(rule) for rule in entry["regime"]["by"]),
        direct_marketing=entry["direct_marketing"],
        sale_or_targeted_advertising=entry["sale_or_targeted_advertising"],
        explicit=entry["explicit"],
        separate=entry["separate"],
        minimum_age=entry["minimum_age"],
        confirmation=Confirmation(entry["confirmation"]),
        restriction_ground=None if ground is None else RestrictionGround(ground),
        validity_days=entry["validity_days"],
        retention_days=entry["retention_days"],
        proof_retention_days=entry["proof_retention_days"],
        answer_lifetime_s=entry["answer_lifetime_s"],
    )


def _rule(rule: Document) -> RegimeRule:
    channel = rule.get("channel")
    return RegimeRule(
        None if channel is None else Channel(channel),
        rule.get("jurisdiction"),
        Regime(rule["regime"]),
    )
