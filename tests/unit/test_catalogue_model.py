import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from consent_service.catalogue.jurisdictions import jurisdiction_chain
from consent_service.catalogue.log_retention import log_retention
from consent_service.catalogue.model import (
    Catalogue,
    Change,
    Channel,
    Confirmation,
    Controller,
    Jurisdiction,
    LegalBasis,
    NoticeVersion,
    Purpose,
    Regime,
    RegimeRule,
)

IN, OUT = Regime.OPT_IN, Regime.OPT_OUT
EMAIL, SMS, PHONE = Channel.EMAIL, Channel.SMS, Channel.PHONE

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number):
    return START + timedelta(days=number)


def make_purpose(default, *rules):
    return Purpose(
        key="marketing.newsletter",
        text={},
        legal_basis=LegalBasis.CONSENT,
        notice="newsletter",
        channels=(EMAIL, SMS, PHONE),
        data_categories=(),
        data_sources=(),
        recipients=(),
        default_regime=default,
        regime_rules=tuple(RegimeRule(*rule) for rule in rules),
        direct_marketing=True,
        sale_or_targeted_advertising=False,
        explicit=False,
        separate=False,
        minimum_age=None,
        confirmation=Confirmation.SINGLE,
        restriction_ground=None,
        validity_days=None,
        retention_days=1,
        proof_retention_days=1,
        answer_lifetime_s=1,
    )


def make_notice(version, change, since):
    return NoticeVersion("newsletter", version, change, since, {"en": "We write."})


def make_catalogue(jurisdictions=(), notices=()):
    return Catalogue(
        version=1,
        recorded_from=START,
        languages=("en",),
        controller=Controller("Example", "x", "x", None, "#000000"),
        jurisdictions={
            code: Jurisdiction(code, frozenset(bases), {}, 0, "") for code, bases in jurisdictions
        },
        data_categories={},
        data_sources={},
        recipients={},
        touchpoints={},
        notices={"newsletter": tuple(notices)},
        purposes={},
        log_retention_days=log_retention({}, []),
    )


# Every rule says the opposite of the one it beats.
RULES = (
    (EMAIL, None, OUT),
    (None, "US", OUT),
    (EMAIL, "US", IN),
    (None, "US-CA", OUT),
    (SMS, "US-CA", IN),
)


@pytest.mark.parametrize(
    ("channel", "jurisdiction", "expected"),
    [
        (SMS, "US-CA", IN),  # channel and region
        (EMAIL, "US-CA", OUT),  # the region, before channel and country
        (PHONE, "US-CA", OUT),  # the region
        (EMAIL, "US", IN),  # channel and country
        (SMS, "US", OUT),  # the country
        (EMAIL, "US-NY", IN),  # channel and country of an undeclared region
        (SMS, "US-NY", OUT),  # the country of an undeclared region
        (EMAIL, "DE", IN),  # named by no rule: the strictest declared for the channel
        (SMS, "DE", IN),
        (None, "US", OUT),  # no channel: rules for all channels
        (None, "DE", IN),
        (EMAIL, None, IN),  # nowhere: the strictest that is declared
        (SMS, None, IN),
    ],
)
def test_the_most_exact_regime_applies(channel, jurisdiction, expected):
    assert make_purpose(IN, *RULES).regime(channel, jurisdiction) is expected


@pytest.mark.parametrize(
    ("default", "rules", "expected"),
    [
        (OUT, (), OUT),
        (IN, (), IN),
        (OUT, ((None, "DE", IN),), IN),
        (OUT, ((EMAIL, None, IN),), IN),
        (OUT, ((SMS, None, IN),), OUT),
        (IN, ((None, "DE", OUT),), IN),
    ],
)
def test_an_unknown_jurisdiction_gets_the_strictest_regime(default, rules, expected):
    assert make_purpose(default, *rules).regime(EMAIL, None) is expected


NOTICES = (
    make_notice("1", Change.MATERIAL, day(0)),
    make_notice("2", Change.MINOR, day(10)),
    make_notice("3", Change.MATERIAL, day(20)),
)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (day(0) - timedelta(microseconds=1), None),
        (day(0), "1"),
        (day(10) - timedelta(microseconds=1), "1"),
        (day(10), "2"),
        (day(20), "3"),
        (day(9_000), "3"),
    ],
)
def test_the_notice_in_use_is_the_newest_begun(at, expected):
    found = make_catalogue(notices=NOTICES).notice_in_use("newsletter", at)
    assert (found and found.version) == expected


@pytest.mark.parametrize(
    ("version", "at", "expected"),
    [
        ("1", day(15), False),  # the minor version asks nobody again
        ("1", day(20) - timedelta(microseconds=1), False),
        ("1", day(20), True),
        ("2", day(20), True),
        ("3", day(20), False),
        ("3", day(0), False),
        ("unknown", day(0), True),
    ],
)
def test_a_material_version_outdates_those_before_it(version, at, expected):
    assert make_catalogue(notices=NOTICES).is_outdated("newsletter", version, at) is expected


def test_a_version_is_found_by_its_name():
    catalogue = make_catalogue(notices=NOTICES)
    assert catalogue.find_notice("newsletter", "2") is NOTICES[1]
    assert catalogue.find_notice("newsletter", "4") is None


def test_a_text_has_the_hash_of_its_utf8():
    notice = NoticeVersion("n", "1", Change.MINOR, START, {"ru": "Мы пишем."})
    assert notice.sha256("ru") == hashlib.sha256("Мы пишем.".encode()).hexdigest()


CONSENT, CONTRACT, INTERESTS = (
    LegalBasis.CONSENT,
    LegalBasis.CONTRACT,
    LegalBasis.LEGITIMATE_INTERESTS,
)
BASES = (
    ("DE", {CONSENT, CONTRACT, INTERESTS}),
    ("CN", {CONSENT, CONTRACT}),
    ("US", {CONSENT, INTERESTS}),
    ("US-CA", {CONSENT}),
)


@pytest.mark.parametrize(
    ("jurisdiction", "expected"),
    [
        ("DE", {CONSENT, CONTRACT, INTERESTS}),
        ("DE-BY", {CONSENT, CONTRACT, INTERESTS}),
        ("CN", {CONSENT, CONTRACT}),
        ("US-CA", {CONSENT}),
        ("US-NY", {CONSENT, INTERESTS}),
        ("JP", {CONSENT}),
        (None, {CONSENT}),
    ],
)
def test_accepted_bases_are_those_of_the_nearest_declared(jurisdiction, expected):
    assert make_catalogue(BASES).accepted_bases(jurisdiction) == expected


def test_a_region_is_looked_up_before_its_country():
    assert jurisdiction_chain("US-CA") == ("US-CA", "US")
    assert jurisdiction_chain("US") == ("US",)
    assert jurisdiction_chain(None) == ()
