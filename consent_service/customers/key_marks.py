"""Which service keys this store's data was made with, so that a wrong keyring is an error and
never an empty look-up.

A key is marked in the transaction that first uses it. A mark holds the key's id and eight bytes
that only the right key can make.
"""

from datetime import datetime
from weakref import WeakKeyDictionary, WeakSet

from consent_service.crypto.blind_index import fingerprint
from consent_service.crypto.keyring import Keyring, KeyUse
from consent_service.customers import key_store
from consent_service.kernel.errors import MisconfiguredError
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import reading, unit_of_work

_USES = (KeyUse.MASTER, KeyUse.INDEX)

_fitting: WeakKeyDictionary[object, WeakSet[Keyring]] = WeakKeyDictionary()


def mark_keys(keys: Keyring, now: datetime) -> None:
    """Marks the keys that seal and index now, in the caller's unit of work. Raises:
    MisconfiguredError when data here was made with a key that is not in the ring."""
    with unit_of_work() as tx:
        marks = check_keyring(keys)
        for use in _USES:
            key = keys.newest(use)
            if key.id not in marks:
                key_store.add_mark(tx, key.id, use.value, fingerprint(key), now)


def check_keyring(keys: Keyring) -> frozenset[bytes]:
    """The ids of the keys that data here was made with. Raises: MisconfiguredError when one is
    not in the ring."""
    with reading() as tx:
        marks = key_store.list_marks(tx)
    ours = {key.id: fingerprint(key) for use in _USES for key in keys.of(use)}
    for key_id, (use, check) in marks.items():
        if ours.get(key_id) != check:
            raise MisconfiguredError(
                f"this store's data was made with {use} key {key_id.hex()}, which the keyring "
                "does not hold; put back the keyring that does"
            )
    return frozenset(marks)


def check_keyring_once(keys: Keyring) -> None:
    """As `check_keyring`, once for each ring of this process and store."""
    fitting = _fitting.setdefault(db.engine, WeakSet())
    if keys not in fitting:
        check_keyring(keys)
        fitting.add(keys)
