"""Receipts: a signed copy of what was recorded, for the customer to keep.

Field names are of ISO/IEC TS 27560:2023 (consent record information structure), in its
sections header, PII processing, parties and event.
"""

import hashlib
from typing import Any
from uuid import UUID

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue, NoticeVersion, Purpose
from consent_service.consents import service
from consent_service.consents.model import Event
from consent_service.crypto import signing
from consent_service.crypto.keyring import Keyring
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId, customer_id_text, encode

JWS_TYPE = "consent-receipt+jws"
SCHEMA = "ISO/IEC TS 27560:2023"


def event_id_text(event: Event) -> str:
    """The public id of an event, `evt_…`; it carries the customer."""
    return encode("evt", event.customer_id, event.id)


def get_receipt(customer_id: CustomerId, event_id: UUID, issuer: str) -> dict[str, Any]:
    """The plain fields of a receipt. Raises: NotFound."""
    event = service.get_event(customer_id, event_id)
    catalogue = catalogues.at(event.recorded_at)
    purpose = catalogue.purposes.get(event.purpose)
    if purpose is None:
        raise NotFound()
    return {
        "schema_version": SCHEMA,
        "record_id": event_id_text(event),
        "pii_principal_id": customer_id_text(event.customer_id),
        "iss": issuer,
        "catalogue_version": catalogue.version,
        "pii_processing": _processing(catalogue, purpose, event),
        "parties": _parties(catalogue, purpose),
        "event": {
            "event_type": event.kind.value,
            "event_state": event.kind.value,
            "event_time": rfc3339(event.happened_at),
            "recorded_time": rfc3339(event.recorded_at),
            "validity_duration": _days(purpose.validity_days),
            "entity_id": _entity(event.actor),
            "touchpoint": event.touchpoint,
            "by_guardian": event.by_guardian,
        },
    }


def sign_receipt(receipt: dict[str, Any], keys: Keyring) -> str:
    """A receipt as a compact JWS."""
    return signing.sign(keys, JWS_TYPE, receipt)


def _processing(catalogue: Catalogue, purpose: Purpose, event: Event) -> dict[str, Any]:
    notice = catalogue.find_notice(purpose.notice, event.notice_version or "")
    text = purpose.text.get(event.language or "") or purpose.text[catalogue.languages[0]]
    return {
        "purpose": purpose.key,
        "purpose_description": text.description,
        "lawful_basis": purpose.legal_basis.value,
        "channel": event.channel,
        "language": event.language,
        "privacy_notice": None if notice is None else _notice(notice, event.language),
        "pii_information": [
            {
                "pii_type": key,
                "sensitive_pii_category": catalogue.data_categories[key].sensitive,
            }
            for key in purpose.data_categories
        ],
        "collection_method": event.touchpoint,
        "retention_period": _days(purpose.retention_days),
        "withdrawal_method": catalogue.controller.contact,
    }


def _notice(notice: NoticeVersion, language: str | None) -> dict[str, Any]:
    text = notice.text.get(language or "")
    digests = {name: hashlib.sha256(t.encode()).hexdigest() for name, t in notice.text.items()}
    shown = {} if text is None else {"sha256": digests[language or ""]}
    return {"key": notice.key, "version": notice.version, **shown, "sha256_by_language": digests}


def _parties(catalogue: Catalogue, purpose: Purpose) -> list[dict[str, Any]]:
    controller = {
        "party_role": "controller",
        "party_name": catalogue.controller.name,
        "party_contact": catalogue.controller.contact,
    }
    return [controller] + [
        {
            "party_role": catalogue.recipients[key].role.value,
            "party_id": key,
            "party_country": catalogue.recipients[key].country,
        }
        for key in purpose.recipients
    ]


def _entity(actor: Actor) -> str:
    """Who recorded it; of people that it was one, and not who: a receipt is another's to keep."""
    person = actor.kind in (ActorKind.STAFF, ActorKind.GUARDIAN)
    return actor.kind.value if person else f"{actor.kind}:{actor.id}"


def _days(days: int | None) -> str | None:
    """An ISO 8601 duration."""
    return None if days is None else f"P{days}D"
