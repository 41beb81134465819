"""Of a customer's events the store gives back those that make the same records as all of them."""

import random
from datetime import timedelta

from consent_service.catalogue.model import Channel
from consent_service.consents import slots_store, store
from consent_service.consents.model import EventKind
from consent_service.consents.projection import project
from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.storage.unit_of_work import unit_of_work
from tests.support.builders import NOW, PURPOSE, make_event


def by_chance(chance, customer):
    kind = chance.choice(list(EventKind))
    return make_event(
        kind,
        NOW - timedelta(seconds=chance.randrange(3)),
        id=new_uuid(),
        customer_id=customer,
        channel=chance.choice([Channel.EMAIL, Channel.SMS, None]),
        imported=chance.random() < 0.4,
        by_guardian=chance.random() < 0.4,
        notice_version=chance.choice(["1", "2", "10"]) if kind.is_yes else None,
    )


def test_what_is_left_out_counts_for_nothing(app):
    chance = random.Random(11)
    events = {CustomerId(new_uuid()): chance.randrange(1, 25) for _ in range(60)}
    events = {who: [by_chance(chance, who) for _ in range(many)] for who, many in events.items()}
    with app.app_context(), unit_of_work() as tx:
        store.add_events(tx, [event for each in events.values() for event in each])
        latest = slots_store.list_latest_events(tx, list(events), {PURPOSE})
    for who, all_of_them in events.items():
        for channel in (Channel.EMAIL, Channel.SMS, None):
            assert project(latest[who, PURPOSE], channel) == project(all_of_them, channel)
    assert sum(map(len, latest.values())) < sum(map(len, events.values()))


def test_the_same_again_and_again_is_read_once(app):
    who = CustomerId(new_uuid())
    same = [make_event("withdrawn", id=new_uuid(), customer_id=who) for _ in range(30)]
    with app.app_context(), unit_of_work() as tx:
        store.add_events(tx, same)
        assert slots_store.list_latest_events(tx, [who])[who, PURPOSE] == [
            max(same, key=lambda e: e.id)
        ]
