"""How many entries are gone is held against how many the log says went."""

import json
from datetime import timedelta

import pytest

from consent_service.kernel.clock import utc_now
from consent_service.kernel.ids import CustomerId
from consent_service.ledger import (
    counting,
    counting_store,
    personal_data,
    retention,
    service,
    tree_store,
)
from consent_service.ledger.model import EntryKind
from consent_service.ledger.verify import Broken
from consent_service.storage.unit_of_work import reading, unit_of_work
from tests.support import log

DAYS = {EntryKind.DECISION: 30, EntryKind.BATCH: 30}
LATER = utc_now() + timedelta(days=400)


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


def take_away(entry_id):
    """As whoever can write to the store would make it look: like an erasure."""
    with unit_of_work() as tx:
        tree_store.forget_entries(tx, [entry_id], [entry_id])


def erase(entry_id):
    """An entry that is about nobody is its own customer."""
    with unit_of_work() as tx:
        log.say_erased(sum(personal_data.forget(tx, [CustomerId(entry_id)]).values()))


def said():
    """What leaves say of retention: [(of what, how many)]."""
    with reading() as tx:
        leaves = [json.loads(leaf) for _, _, leaf in tree_store.list_leaves(tx, 0, 10_000)]
    return [
        (one["outcome"], one["entries"]) for one in leaves if one.get("reason") == "log_retention"
    ]


def broken():
    with pytest.raises(Broken) as caught:
        log.verify()
    return caught.value


def test_an_entry_that_is_gone_and_that_nothing_says_is_named():
    ids = sorted(log.append(5))
    log.seal()
    erase(ids[1])
    log.seal()
    assert log.verify().erased == 1
    take_away(ids[3])
    assert broken().index == 1
    assert "2 did, 1 went" in str(broken())


def test_an_answer_of_a_batch_counts_too():
    log.append(2)
    _, ids = log.append_batch(5)
    log.seal()
    erase(ids[2])
    assert log.verify().erased == 1  # said, and not sealed yet
    take_away(ids[4])
    assert broken().index == 2


def test_retention_says_once_a_day_how_many_went():
    log.append(30)
    log.append_batch(5)
    log.append(3, kind=EntryKind.STAFF_ACT)
    log.seal()
    assert retention.forget(LATER, {**DAYS, EntryKind.BATCH: 4_000}) == 35
    assert log.verify().erased == 35  # counted, and not said yet
    assert counting.say(LATER) == 1
    assert counting.say(LATER) == 0
    log.seal()
    assert said() == [("decision", 35)]
    assert log.verify().erased == 35
    assert retention.forget(LATER + timedelta(days=1), DAYS) == 1
    assert counting.say(LATER + timedelta(hours=23)) == 2
    assert log.verify().erased == 31  # of a batch that is gone its answers are not found any more
    log.seal()
    assert sorted(said()) == [("answers", 5), ("batch", 1), ("decision", 35)]
    assert service.count_removed() == {"log: answers": 5, "log: batch": 1, "log: decision": 35}
    assert log.verify().erased == 31
    take_away(log.ids_left()[0])
    assert broken().index == 0


def test_the_same_kind_is_said_again_a_day_later():
    for half_days in range(3):
        with unit_of_work() as tx:
            counting_store.add(tx, {"decision": 4})
        assert counting.say(LATER + timedelta(hours=12 * half_days)) == (half_days != 1)
    log.seal()
    assert sorted(said()) == [("decision", 4), ("decision", 8)]


def test_what_goes_while_one_looks_is_told(monkeypatch):
    ids = sorted(log.append(700))
    log.seal()
    looked, found = [], tree_store.list_leaves

    def and_meanwhile(tx, lo, hi):
        if not looked:
            looked.append(1)
            erase(ids[0])
            log.seal()
            erase(ids[699])
            retention.forget_some(EntryKind.DECISION, ids[100])
        return found(tx, lo, hi)

    monkeypatch.setattr(tree_store, "list_leaves", and_meanwhile)
    assert log.verify().erased >= 100
    assert log.verify().erased == 101
