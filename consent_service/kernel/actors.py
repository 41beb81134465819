"""Who did it."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """The kinds of actor an event or an entry can name."""

    CLIENT = "client"
    CUSTOMER = "customer"
    GUARDIAN = "guardian"
    STAFF = "staff"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """An actor's kind and its id within that kind, such as `client` `campaigns`."""

    kind: ActorKind
    id: str

    @property
    def in_log(self) -> str | None:
        """What the log calls it, in the clear and for ever; None for a customer or who acts for
        one, of whom a leaf must not tell."""
        return None if self.kind in (ActorKind.CUSTOMER, ActorKind.GUARDIAN) else self.id


SYSTEM = Actor(ActorKind.SYSTEM, "consent")
