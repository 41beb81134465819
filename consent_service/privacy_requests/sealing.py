"""What is personal in a request, sealed: the note and reasons under the customer's life key, who
asked, until that is looked up, under the service's own."""

import json
from uuid import UUID

from msgspec import Struct

from consent_service.crypto.envelope import Field, Sealed, SealingKey, seal, sealed_under, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.customers.model import Identifier, IdentifierType
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.ids import CustomerId
from consent_service.privacy_requests.model import Intake, Request, Step


class Asked(Struct, frozen=True):
    """Who is said to ask, by whom it was handed in, and what the note says."""

    subject: CustomerId | Identifier
    actor: Actor
    note: str | None

    def __repr__(self) -> str:
        return "Asked(redacted)"


def seal_note(
    note: str | None, customer: UUID, request_id: UUID, life: SealingKey
) -> Sealed | None:
    """A note as it is kept."""
    if note is None:
        return None
    return seal(life, _note_field(customer, request_id), note.encode())


def open_note(request: Request, life: SealingKey) -> str | None:
    """A note in the clear. Raises: SealBroken."""
    if request.note is None:
        return None
    return unseal(life, _note_field(request.place, request.id), request.note).decode()


def seal_reason(
    reason: str | None, customer: UUID, step_id: UUID, life: SealingKey | None
) -> Sealed | None:
    """What somebody wrote, as it is kept; nothing where there is no customer's key."""
    if reason is None or life is None:
        return None
    return seal(life, _reason_field(customer, step_id), reason.encode())


def open_reason(step: Step, life: SealingKey) -> str | None:
    """What somebody wrote, in the clear. Raises: SealBroken."""
    if step.reason is None:
        return None
    return unseal(life, _reason_field(step.place, step.id), step.reason).decode()


def seal_asked(asked: Asked, request_id: UUID, keys: Keyring) -> Sealed:
    """Who asked, until that is looked up."""
    who = asked.subject
    named = [who.type.value, who.value, who.given] if isinstance(who, Identifier) else [who.hex]
    plain = json.dumps([named, asked.actor.kind, asked.actor.id, asked.note], ensure_ascii=False)
    return seal(keys.master, _asked_field(request_id), plain.encode())


def open_asked(intake: Intake, keys: Keyring) -> Asked:
    """Who asked. Raises: SealBroken, MisconfiguredError."""
    master = keys.master_by_id(sealed_under(intake.asked))
    named, kind, actor_id, note = json.loads(unseal(master, _asked_field(intake.id), intake.asked))
    subject: CustomerId | Identifier
    if len(named) == 1:
        subject = CustomerId(UUID(named[0]))
    else:
        subject = Identifier(IdentifierType(named[0]), named[1], named[2])
    return Asked(subject, Actor(ActorKind(kind), actor_id), note)


def _note_field(customer: UUID, request_id: UUID) -> Field:
    return Field("privacy_request.note", customer, request_id)


def _reason_field(customer: UUID, step_id: UUID) -> Field:
    return Field("privacy_request_step.reason", customer, step_id)


def _asked_field(request_id: UUID) -> Field:
    return Field("privacy_request.asked", request_id, request_id)
