"""The mark of a store that was put back, which keeps it from answering. Source: ADR 27."""

from datetime import datetime

from consent_service.kernel.actors import Actor
from consent_service.kernel.ids import new_uuid
from consent_service.ledger import renaming
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.operations import store
from consent_service.operations.model import Restore
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.webhooks import dispatching as webhooks
from consent_service.witnesses import service as witnesses

RESTORED = "store_restored"


def mark(made_at: datetime, base_url: str, actor: Actor, now: datetime) -> Restore:
    """Marks the store as put back to what it was at `made_at`, in the caller's unit of work, if
    there is one: nothing is answered until that is finished, and the log has a new name."""
    with unit_of_work() as tx:
        restore_id = new_uuid()
        size = renaming.go_on_anew(base_url, restore_id, now)
        done = Restore(restore_id, made_at, now, size)
        store.add(tx, done)
        witnesses.begin_anew()
        webhooks.pass_by(size)
        ledger.append([staff_act(RESTORED, actor, now)])
    return done


def staff_act(reason: str, actor: Actor, now: datetime) -> Entry:
    """The log's entry of what staff did to the store."""
    entry_id = new_uuid()
    kind = EntryKind.STAFF_ACT
    return ledger.bare_entry(
        Entry(entry_id, entry_id, False, kind, now, now, client_id=actor.in_log, reason=reason)
    )
