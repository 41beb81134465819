"""How long a field of a profile is needed."""

from datetime import timedelta

import pytest

from consent_service.catalogue.model import Channel, DataCategory, LegalBasis, Regime, RegimeRule
from consent_service.consents.model import State
from consent_service.profile_retention.model import Held, fields_past
from tests.support.builders import NOW, ago, make_catalogue, make_notice, make_purpose, make_record

LONG_AGO = ago(days=4_000)
CATEGORIES = {
    "name": DataCategory("name", {}, sensitive=False, profile_fields=("first_name", "both")),
    "age": DataCategory("age", {}, sensitive=False, profile_fields=("birthday", "both")),
    "email_address": DataCategory("email_address", {}, sensitive=False),
}


def past(purpose, *records, since=LONG_AGO, jurisdiction="DE", **more):
    catalogue = make_catalogue(purpose, data_categories=CATEGORIES, **more)
    held = Held(since, jurisdiction, {(r.purpose, r.channel): r for r in records})
    return fields_past(catalogue, held, NOW)


def news(**changes):
    return make_purpose(**{"data_categories": ("name",), "retention_days": 100, **changes})


def ended(days, state=State.WITHDRAWN, **more):
    return make_record(state, recorded_from=ago(days=days), happened_at=ago(days=days), **more)


GONE, NEEDED = {"first_name", "both", "birthday"}, {"birthday"}


@pytest.mark.parametrize("basis", [b for b in LegalBasis if b is not LegalBasis.CONSENT])
def test_another_basis_than_consent_needs_it_for_as_long_as_the_customer_is_one(basis):
    assert past(news(legal_basis=basis), ended(3_000)) == NEEDED


def test_a_field_of_two_categories_goes_when_neither_is_needed():
    assert past(news()) == GONE
    assert past(news(), make_record()) == NEEDED
    assert past(news(data_categories=("age",)), make_record()) == {"first_name"}


@pytest.mark.parametrize("state", [s for s in State if s is not State.GIVEN])
def test_after_a_consent_ended_it_stays_for_the_days_of_the_purpose(state):
    assert past(news(), ended(99, state)) == NEEDED
    assert past(news(), ended(100, state)) == GONE


def test_what_was_never_said_ended_when_the_profile_came():
    assert past(news(), since=ago(days=99)) == NEEDED
    assert past(news(), since=ago(days=100)) == GONE
    assert past(news(), ended(3_000), since=ago(days=99)) == NEEDED  # changed since


def test_a_yes_ends_when_it_expires_or_its_words_are_changed():
    given = make_record(happened_at=ago(days=350))
    assert past(news(validity_days=250), given) == GONE
    assert past(news(validity_days=251), given) == NEEDED
    assert past(news(validity_days=351, retention_days=1), given) == NEEDED
    old, new = make_notice("1"), make_notice("2", in_use_from=ago(days=100))
    assert past(news(), given, notices={"notice": (old, new)}) == GONE
    assert past(news(retention_days=101), given, notices={"notice": (old, new)}) == NEEDED
    ahead = make_notice("2", in_use_from=NOW + timedelta(days=1))
    assert past(news(), given, notices={"notice": (old, ahead)}) == NEEDED


def test_one_channel_with_a_yes_is_enough():
    both = news(channels=(Channel.EMAIL, Channel.SMS))
    assert past(both, ended(500), make_record(channel=Channel.SMS)) == NEEDED
    assert past(both, ended(500, channel=None)) == GONE


def test_silence_is_a_yes_where_the_regime_says_so():
    rule = RegimeRule(None, "DE", Regime.OPT_OUT)
    silent = news(regime_rules=(rule,))
    assert past(silent) == NEEDED
    assert past(silent, ended(3_000)) == GONE
    assert (
        past(silent, jurisdiction=None) == past(news(regime_rules=(rule,), explicit=True)) == GONE
    )


def test_fields_without_a_category_are_never_past():
    assert past(news(data_categories=("email_address",)), ended(3_000)) == GONE
    bare = {key: DataCategory(key, {}, sensitive=False) for key in CATEGORIES}
    held = Held(LONG_AGO, "DE", {})
    assert fields_past(make_catalogue(news(), data_categories=bare), held, NOW) == frozenset()
