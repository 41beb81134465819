"""Audiences of a purpose with channels, in which some said no to all of them."""

import json
from datetime import timedelta

import pytest

from consent_service.catalogue.model import Channel
from consent_service.crypto.spool import Spool
from consent_service.decisions.model import Question
from consent_service.screenings.judging import judge_audience
from consent_service.screenings.model import FormKind, Request
from consent_service.web.runtime import keys
from tests.support.audiences import answered, hashed, ndjson, screen
from tests.support.small_catalogue import PURPOSES, purpose

OTHERS = [each for each in PURPOSES if each["key"] != "offers"]
CHANNELS = ("email", "sms")


@pytest.fixture
def names(shop):
    """People by what they are called, of whom nobody said anything of all channels."""
    shop.load(*OTHERS, purpose("offers", channels=list(CHANNELS)))
    found = {
        name: shop.customer(f"{name}@example.org")
        for name in ("yes", "nothing", "no", "again", "marked", "merged", "kept", "older")
    }
    for name in ("yes", "again", "marked", "merged", "kept"):
        shop.say(found[name], "given", "offers", channel="email")
    shop.say(found["no"], "refused", "offers", channel="sms")
    shop.suppress("marked@example.org")
    return found


def reasons(shop, names, channel):
    """What is said of each, which is what a single check says, however they are named."""
    checks = {name: shop.reason(one, "offers", channel=channel) for name, one in names.items()}
    by_id = {name: {"customer_id": one} for name, one in names.items()}
    by_hash = {name: {"email_sha256": hashed(f"{name}@example.org")} for name in names}
    mixed = {name: (by_hash if at % 2 else by_id)[name] for at, name in enumerate(names)}
    for rows in (by_id, by_hash, mixed):
        body = ndjson(*rows.values())
        found, summary = answered(screen(shop, body, purpose="offers", channel=channel))
        assert found == [rows[name] for name in names if checks[name] == "consent_given"]
        assert summary["reasons"] == {
            reason: list(checks.values()).count(reason) for reason in sorted(set(checks.values()))
        }
    return checks


def records_of_no_channel(shop):
    return [
        row
        for row in shop.rows("consent_records")
        if row["purpose"] == "offers" and row["channel"] == ""
    ]


def test_nobody_has_said_no_to_all_channels(shop, names):
    shop.say(names["yes"], "objected", "printed")  # another purpose is nothing to this one
    shop.say(names["nothing"], "refused", "ads")
    assert records_of_no_channel(shop) == []
    said = reasons(shop, names, "email")
    assert said == dict.fromkeys(names, "consent_given") | {
        "nothing": "no_record", "no": "no_record", "older": "no_record", "marked": "suppressed",
    }  # fmt: skip


def test_a_no_to_all_channels_counts_where_there_is_no_other_record(shop, names):
    for name in ("no", "again", "merged", "older"):
        shop.say(names[name], "objected", "offers")
    assert reasons(shop, names, "email") == {
        "yes": "consent_given",
        "nothing": "no_record",
        "no": "objected",
        "again": "objected",
        "marked": "suppressed",
        "merged": "objected",
        "kept": "consent_given",
        "older": "objected",
    }
    shop.clock.advance(timedelta(minutes=1))
    shop.say(names["again"], "given", "offers", channel="email")
    shop.merge(names["kept"], names["merged"])
    shop.load(*OTHERS, purpose("offers", channels=[*CHANNELS, "push"]))
    after = {channel: reasons(shop, names, channel) for channel in (*CHANNELS, "push")}
    assert after["email"]["again"] == "consent_given"
    assert after["email"]["kept"] == after["email"]["merged"] == "objected"
    assert after["push"]["older"] == after["push"]["again"] == "objected"  # of a channel then new
    assert after["push"]["yes"] == after["push"]["nothing"] == "no_record"


def test_a_no_to_all_channels_that_was_taken_back_is_read_with_what_came_after(shop, names):
    shop.say(names["older"], "objected", "offers")
    shop.clock.advance(timedelta(minutes=1))
    for channel in CHANNELS:
        shop.say(names["older"], "given", "offers", channel=channel)
    assert records_of_no_channel(shop)
    assert reasons(shop, names, "sms")["older"] == "consent_given"


@pytest.mark.parametrize("named", ["customer_id", "email_sha256"])
def test_the_first_no_to_all_channels_of_meanwhile_does_not_count(app, shop, names, named):
    """Not even whether there is one."""
    rows = {
        "customer_id": [{"customer_id": names["yes"]}],
        "email_sha256": [{"email_sha256": hashed("yes@example.org")}],
    }[named]

    def permitted(progress=lambda _: None):
        question = Question("offers", Channel.EMAIL, None, "mailer")
        asked = Request(question, {}, FormKind.NDJSON, None)
        with app.app_context(), Spool() as received:
            received.write(ndjson(*rows))
            judged = judge_audience(received, asked, "me", shop.clock(), keys(), progress)
            return [json.loads(row) for row in judged.permitted.read().splitlines()]

    def happens(_):
        if not records_of_no_channel(shop):
            shop.say(names["yes"], "objected", "offers")

    assert permitted(happens) == rows
    assert records_of_no_channel(shop)
    assert permitted() == []
