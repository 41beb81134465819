import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_service.catalogue.model import Channel, LegalBasis
from consent_service.customers.model import IdentifierType
from consent_service.suppressions.model import (
    ADDRESS_OF,
    DIRECT_MARKETING,
    Reason,
    beside,
    find_same,
    reaches,
)
from tests.support.builders import NOW, ago, an_id, make_mark, make_purpose

MARKETING = [Reason.COMPLAINED, Reason.OPTED_OUT, Reason.ERASED]


@pytest.mark.parametrize("reason", MARKETING)
@pytest.mark.parametrize("channel", [None, *Channel])
def test_a_no_to_marketing_reaches_all_of_it_and_nothing_else(reason, channel):
    for basis in LegalBasis:
        for marketing in (True, False):
            purpose = make_purpose(legal_basis=basis, direct_marketing=marketing)
            assert reaches(make_mark(reason), purpose, channel) is marketing
            assert reaches(make_mark(reason, channel=Channel.EMAIL), purpose, channel) is marketing


@pytest.mark.parametrize("basis", LegalBasis)
@pytest.mark.parametrize("channel", [None, *Channel])
def test_deceased_reaches_all_but_legal_obligations(basis, channel):
    purpose = make_purpose(legal_basis=basis)
    reached = reaches(make_mark(Reason.DECEASED), purpose, channel)
    assert reached is (basis is not LegalBasis.LEGAL_OBLIGATION)


@pytest.mark.parametrize("kind", IdentifierType)
@pytest.mark.parametrize("channel", [None, *Channel])
@pytest.mark.parametrize("marked", [None, *Channel])
def test_undeliverable_reaches_the_channels_its_address_serves(kind, channel, marked):
    served = {
        IdentifierType.EMAIL: {Channel.EMAIL},
        IdentifierType.PHONE: {Channel.SMS, Channel.PHONE, Channel.MESSENGER},
        IdentifierType.DEVICE: {Channel.PUSH},
        IdentifierType.CUSTOMER_NUMBER: set(),
    }[kind]
    mark = make_mark(Reason.UNDELIVERABLE, identifier_type=kind, channel=marked)
    reached = reaches(mark, make_purpose(direct_marketing=False), channel)
    assert reached is (channel in served and marked in (None, channel))


def test_post_and_onsite_have_no_address_that_could_be_undeliverable():
    assert set(Channel) - ADDRESS_OF.keys() == {Channel.POST, Channel.ONSITE}


def test_every_reason_is_either_about_marketing_or_of_its_own_kind():
    assert set(MARKETING) == DIRECT_MARKETING
    assert set(Reason) - DIRECT_MARKETING == {Reason.UNDELIVERABLE, Reason.DECEASED}


@pytest.mark.parametrize("reason", Reason)
def test_a_report_as_old_as_a_mark_says_nothing_new(reason):
    mark = make_mark(reason, happened_at=ago(days=5))
    assert find_same([mark], reason, None, ago(days=5)) is mark
    assert find_same([mark], reason, None, ago(days=6)) is mark


@pytest.mark.parametrize("reason", Reason)
def test_a_newer_report_says_more_where_a_yes_may_stand_between(reason):
    mark = make_mark(reason, happened_at=ago(days=5))
    says_more = find_same([mark], reason, None, ago(days=4)) is None
    assert says_more is (reason in DIRECT_MARKETING)


@pytest.mark.parametrize("reason", Reason)
def test_a_newer_report_opens_again_what_was_closed(reason):
    closed = make_mark(reason, happened_at=ago(days=5), closed_at=ago(days=2))
    assert find_same([closed], reason, None, ago(days=4)) is None
    assert find_same([closed], reason, None, ago(days=5)) is closed


def test_a_report_is_told_from_another_by_reason_and_channel():
    of_all = make_mark(Reason.UNDELIVERABLE)
    of_sms = make_mark(Reason.UNDELIVERABLE, channel=Channel.SMS)
    assert find_same([of_all], Reason.UNDELIVERABLE, Channel.SMS, NOW) is of_all
    assert find_same([of_sms], Reason.UNDELIVERABLE, None, NOW) is None
    assert find_same([of_sms], Reason.UNDELIVERABLE, Channel.PHONE, NOW) is None
    assert find_same([of_all], Reason.DECEASED, None, NOW) is None


@given(st.lists(st.tuples(st.sampled_from(Reason), st.integers(0, 9), st.booleans()), max_size=6))
def test_reporting_twice_is_reporting_once(reports):
    def told(marks, reports):
        for reason, days, _ in reports:
            if find_same(marks, reason, None, ago(days=days)) is None:
                marks = [*marks, make_mark(reason, happened_at=ago(days=days))]
        return marks

    once = told([], reports)
    closed = [
        msgspec.structs.replace(mark, closed_at=NOW if close else None)
        for mark, (*_, close) in zip(once, reports, strict=False)
    ]
    assert told(
        closed, [(mark.reason, (NOW - mark.happened_at).days, None) for mark in closed]
    ) == (closed)


def test_a_mark_dated_ahead_counts_from_its_recording():
    ahead, identifier = make_mark(happened_at=NOW, recorded_from=ago(days=1)), an_id()
    assert beside(ahead, identifier).happened_at == ago(days=1)
    assert beside(ahead, identifier).identifier_id == identifier
    late = make_mark(happened_at=ago(days=9), recorded_from=NOW)
    assert beside(late, identifier).happened_at == ago(days=9)
