"""Erasing again whom a backup brought back: by the list of the erased, in a store that answers
nobody meanwhile. Recipients were told, and the person got their letter, the first time."""

from datetime import datetime

from consent_service.consents.keeping import keep_proofs
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.customers import unopened
from consent_service.customers.aliases import list_ids
from consent_service.erasures import listed
from consent_service.personal_data import service as personal_data
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.suppressions import service as suppressions

_AT_ONCE = 100


def erase_again(now: datetime, keys: Keyring) -> int:
    """Erases every customer of whom an id is on the list, and who has no keys any more, since those
    were taken out of what the backup was put back with; how many. May be run again."""
    after, gone = None, 0
    while found := unopened.list_after(after, _AT_ONCE):
        after = found[-1]
        ids = list_ids(found)
        every = [each for some in ids.values() for each in some]
        on_list = listed.find_erased(every, keys)
        opened = data_keys.open_found(found, keys)
        going = [c for c in found if c not in opened or not on_list.isdisjoint(ids[c])]
        if going:
            with unit_of_work():
                suppressions.mark_erased(going, now)
                customers.lock_customers(going)
                places = {c: listed.proof_place(c, keys) for c in going if c in opened}
                keep_proofs(places, opened, now, keys)
                listed.put([each for c in going for each in ids[c]], now, keys)
                personal_data.erase(going, now)
        gone += len(going)
    return gone
