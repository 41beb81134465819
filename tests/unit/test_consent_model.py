import itertools
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from consent_service.catalogue.model import Change, Channel, Confirmation, Regime
from consent_service.consents.model import (
    AHEAD_TOLERATED,
    NOES,
    EventKind,
    State,
    channel_of,
    channels_of,
    check_event,
    effective,
    expires_at,
    is_expired,
    record_for,
    recorded_kind,
)
from consent_service.consents.projection import (
    apply_event,
    latest_of_each,
    project,
    speaks_last,
)
from consent_service.consents.slots import Slots, is_told, to_weigh
from consent_service.kernel.errors import Invalid
from tests.support.builders import (
    NOW,
    ago,
    make_catalogue,
    make_event,
    make_new_event,
    make_notice,
    make_purpose,
    make_record,
)

NO_KINDS = [kind for kind in EventKind if kind.is_no]
YES_KINDS = [kind for kind in EventKind if kind.is_yes]


def at(minutes):
    return NOW + timedelta(minutes=minutes)


def arrived(events, channel=Channel.EMAIL, known_of=lambda known: known):
    """The record after events that arrived in this order, each at a revision of its own."""
    record, known = None, []
    for number, event in enumerate(events, start=2):
        recorded = replace(event, revision=number, recorded_at=at(number))
        record = apply_event(record, recorded, channel, known_of(known)) or record
        known.append(recorded)
    return record


def said(record):
    """All that a record says, but for when it was recorded."""
    return None if record is None else replace(record, revision=0, recorded_from=NOW)


def state_of(*events, channel=Channel.EMAIL):
    return arrived(events, channel).state


# --- The order of arrival

EVENTS = st.builds(
    lambda kind, minutes, imported, guardian, version, channel: make_event(
        kind,
        at(minutes),
        imported=imported,
        by_guardian=guardian,
        notice_version=version if EventKind(kind).is_yes else None,
        channel=Channel.EMAIL if EventKind(kind).is_yes else channel,
    ),
    st.sampled_from(list(EventKind)),
    st.integers(0, 4),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["1", "2"]),
    st.sampled_from([Channel.EMAIL, None, Channel.SMS]),
)


@st.composite
def histories(draw):
    """The same events twice: as they were, and reordered, some more than once."""
    events = draw(st.lists(EVENTS, min_size=1, max_size=7))
    again = draw(st.lists(st.sampled_from(events), max_size=3))
    return events, draw(st.permutations(events + again))


@given(histories())
@settings(max_examples=400)
def test_the_order_of_arrival_changes_nothing(history):
    one, other = history
    for channel in (Channel.EMAIL, Channel.SMS, None):
        assert said(arrived(one, channel)) == said(arrived(other, channel))


@given(histories())
@settings(max_examples=150)
def test_the_latest_of_each_kind_are_all_that_need_to_be_kept(history):
    events, shuffled = history
    assert said(arrived(shuffled, known_of=latest_of_each)) == said(arrived(events))


@given(histories())
@settings(max_examples=300)
def test_what_speaks_last_needs_nothing_that_was_before_it(history):
    for channel in (Channel.EMAIL, None):
        record, known = None, []
        for number, event in enumerate(history[1], start=2):
            recorded = replace(event, revision=number, recorded_at=at(number))
            after = apply_event(record, recorded, channel, known)
            last = max((e.happened_at for e in known), default=None)
            if speaks_last(recorded, last) and recorded.channel in (channel, None):
                assert after == apply_event(record, recorded, channel, ())
            record = after or record
            known.append(recorded)


@given(
    st.lists(EVENTS, max_size=4),
    st.lists(EVENTS, min_size=1, max_size=4),
    st.integers(0, 4),
)
@settings(max_examples=600)
def test_many_make_the_same_with_only_what_is_to_be_weighed(earlier, later, without):
    """Also on a channel that the purpose was `without` from some event on until now."""
    earlier = earlier[:without] + [e for e in earlier[without:] if e.channel is not Channel.EMAIL]
    events = [
        replace(event, revision=number, recorded_at=at(number))
        for number, event in enumerate([*earlier, *later], start=2)
    ]
    before, new = events[: len(earlier)], events[len(earlier) :]
    place = (new[0].customer_id, new[0].purpose)
    found = {channel: arrived(before, channel) for channel in (Channel.SMS, None)}
    found[Channel.EMAIL] = arrived(before[:without])
    records = {(*place, channel): record for channel, record in found.items() if record is not None}
    purpose = make_purpose(channels=(Channel.EMAIL, Channel.SMS))
    told = all(is_told(event, channels_of(event, purpose), records) for event in new)
    last = {place: max(e.happened_at for e in before)} if before and not told else {}
    some = dict.fromkeys(to_weigh(new, last, records), before)
    came = []
    for weighed in ({place: before}, some):
        slots = Slots(records, weighed)
        states = [slots.apply(event, channels_of(event, purpose)) for event in new]
        came.append((states, slots.ended(), slots.made()))
    assert came[0] == came[1]


def test_every_order_of_one_of_each_kind_ends_alike():
    events = [make_event(kind, at(minutes)) for minutes, kind in enumerate(EventKind)]
    ends = {said(arrived(order)) for order in itertools.permutations(events)}
    assert [end.state for end in ends] == [State.GIVEN]


def test_every_order_with_an_import_and_an_objection_ends_alike():
    events = [
        make_event("given", at(0), imported=True),
        make_event("objected", at(1)),
        make_event("refused", at(2)),
        make_event("given", at(3), imported=True),
        make_event("requested", at(4)),
        make_event("withdrawn", at(2), channel=None),
    ]
    ends = {said(arrived(order)) for order in itertools.permutations(events)}
    assert [(end.state, end.no) for end in ends] == [(State.REQUESTED, State.WITHDRAWN)]


@given(histories())
def test_a_yes_in_force_is_newer_than_every_no_before_it(history):
    record = arrived(history[1])
    if record is not None and record.state is State.GIVEN:
        noes = [e for e in history[0] if e.kind.is_no and e.channel in (Channel.EMAIL, None)]
        assert all(no.happened_at < record.happened_at for no in noes)


def test_an_event_that_comes_again_changes_nothing():
    event = make_event("given")
    record = apply_event(None, event, Channel.EMAIL, [])
    assert apply_event(record, event, Channel.EMAIL, [event]) is None


def test_an_older_event_changes_nothing():
    new, old = make_event("withdrawn", at(2)), make_event("given", at(1))
    record = apply_event(None, new, Channel.EMAIL, [])
    assert apply_event(record, old, Channel.EMAIL, [new]) is None


def test_a_record_carries_what_it_was_made_by():
    event = make_event("given", at(1), revision=9, recorded_at=at(5), by_guardian=True)
    record = apply_event(None, event, Channel.EMAIL, [])
    assert (record.revision, record.recorded_from) == (9, at(5))
    assert (record.event_id, record.happened_at, record.notice_version) == (event.id, at(1), "1")
    assert record.by_guardian
    assert record.direct


def test_a_record_never_counts_from_before_the_one_it_follows():
    """Its writer read the clock, and then waited for the lock."""
    first = make_event("given", at(1), recorded_at=at(9))
    record = apply_event(None, first, Channel.EMAIL, [])
    late = make_event("withdrawn", at(2), recorded_at=at(8), revision=2)
    assert apply_event(record, late, Channel.EMAIL, [first]).recorded_from == at(9)


# --- A tie is a no


@pytest.mark.parametrize("yes", YES_KINDS)
@pytest.mark.parametrize("no", NO_KINDS)
def test_at_the_same_moment_a_no_wins(yes, no):
    for order in itertools.permutations([make_event(yes), make_event(no)]):
        assert state_of(*order) == no.value


def test_at_the_same_moment_the_yes_that_permits_less_wins():
    child, guardian = make_event("given"), make_event("given", by_guardian=True)
    imported, direct = make_event("given", imported=True), make_event("given")
    for order in itertools.permutations([child, guardian]):
        assert not arrived(order).by_guardian
    for order in itertools.permutations([imported, direct]):
        assert not arrived(order).direct


def test_the_later_of_two_yeses_counts():
    first = make_event("given", at(1), notice_version="1")
    second = make_event("renewed", at(2), notice_version="2")
    for order in itertools.permutations([first, second]):
        assert (arrived(order).notice_version, arrived(order).state) == ("2", State.GIVEN)


# --- Requested


def test_a_request_takes_no_yes_away():
    assert state_of(make_event("given", at(1)), make_event("requested", at(2))) is State.GIVEN


@pytest.mark.parametrize("no", NO_KINDS)
def test_a_request_is_shown_over_an_older_no_and_does_not_take_it_away(no):
    record = arrived([make_event(no, at(1)), make_event("requested", at(2))])
    assert (record.state, record.no) == (State.REQUESTED, State(no.value))


@pytest.mark.parametrize("no", NO_KINDS)
@pytest.mark.parametrize("minutes", [2, 3])
def test_a_no_ends_an_older_request(no, minutes):
    record = arrived([make_event("requested", at(2)), make_event(no, at(minutes))])
    assert (record.state, record.standing_no) == (State(no.value), None)


def test_a_request_over_nothing_stands_alone():
    record = arrived([make_event("requested")])
    assert (record.state, record.no) == (State.REQUESTED, None)


def test_a_yes_ends_a_request_whenever_it_was_made():
    for minutes in (1, 2, 3):
        assert state_of(make_event("requested", at(2)), make_event("given", at(minutes))) is (
            State.GIVEN
        )


def test_a_record_says_no_or_has_one_beneath_it():
    for state in State:
        assert make_record(state).no == (state if state in NOES else None)


# --- Imports


def test_an_import_never_beats_an_objection():
    objected = make_event("objected", at(1))
    for minutes in (0, 1, 2):
        imported = make_event("given", at(minutes), imported=True)
        for order in itertools.permutations([objected, imported]):
            assert state_of(*order) is State.OBJECTED


def test_an_import_counts_again_once_the_person_has_said_yes_here():
    events = [
        make_event("objected", at(1)),
        make_event("given", at(2)),
        make_event("given", at(3), imported=True, notice_version="2"),
    ]
    for order in itertools.permutations(events):
        record = arrived(order)
        assert (record.state, record.direct, record.notice_version) == (State.GIVEN, False, "2")


@pytest.mark.parametrize("no", [kind for kind in NO_KINDS if kind is not EventKind.OBJECTED])
def test_an_import_is_as_good_as_its_time_where_nobody_objected(no):
    imported = make_event("given", at(2), imported=True)
    assert state_of(make_event(no, at(1)), imported) is State.GIVEN
    assert state_of(make_event(no, at(3)), imported) == no.value


def test_an_imported_no_is_a_no():
    imported = make_event("withdrawn", at(2), imported=True)
    assert state_of(make_event("given", at(1)), imported) is State.WITHDRAWN


# --- Channels


def test_a_no_without_a_channel_is_of_all_channels():
    given_ = make_event("given", at(1))
    for channel in (Channel.EMAIL, Channel.SMS, None):
        assert state_of(given_, make_event("withdrawn", at(2), channel=None), channel=channel) is (
            State.WITHDRAWN
        )


def test_a_yes_is_of_its_channel_alone():
    given_ = make_event("given")
    assert project([given_], Channel.SMS) is None
    assert project([given_], None) is None
    assert project([make_event("given", channel=None)], Channel.EMAIL) is None
    assert project([make_event("given", channel=None)], None).state is State.GIVEN


@pytest.mark.parametrize(
    ("channels", "kind", "channel", "recorded", "bears_on"),
    [
        ((Channel.EMAIL,), "given", None, Channel.EMAIL, (Channel.EMAIL,)),
        ((Channel.EMAIL,), "given", Channel.EMAIL, Channel.EMAIL, (Channel.EMAIL,)),
        ((), "given", None, None, (None,)),
        ((), "withdrawn", None, None, (None,)),
        ((Channel.EMAIL,), "withdrawn", None, None, (Channel.EMAIL, None)),
        ((Channel.EMAIL, Channel.SMS), "withdrawn", None, None, (Channel.EMAIL, Channel.SMS, None)),
        ((Channel.EMAIL, Channel.SMS), "withdrawn", Channel.SMS, Channel.SMS, (Channel.SMS,)),
    ],
)
def test_the_channels_an_event_is_of(channels, kind, channel, recorded, bears_on):
    purpose = make_purpose(channels=channels)
    assert channel_of(make_new_event(kind, channel=channel), purpose) == recorded
    assert channels_of(make_event(kind, channel=recorded), purpose) == bears_on


def test_a_no_to_all_channels_counts_where_nothing_else_was_said():
    of_all = make_record(State.WITHDRAWN, channel=None)
    own = make_record(channel=Channel.SMS)
    records = {("news", None): of_all, ("news", Channel.SMS): own}
    assert record_for(records, "news", Channel.PUSH) is of_all
    assert record_for(records, "news", Channel.SMS) is own
    assert record_for(records, "other", Channel.PUSH) is None
    yes = {("news", None): make_record(channel=None)}
    assert record_for(yes, "news", Channel.PUSH) is None
    assert record_for(yes, "news", None) is yes["news", None]


# --- Double opt-in


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("confirmation", Confirmation)
@pytest.mark.parametrize("confirmed", [True, False])
def test_a_yes_that_is_to_be_confirmed_is_recorded_as_requested(kind, confirmation, confirmed):
    purpose = make_purpose(confirmation=confirmation)
    waits = kind.is_yes and confirmation is Confirmation.DOUBLE and not confirmed
    expected = EventKind.REQUESTED if waits else kind
    assert recorded_kind(make_new_event(kind, confirmed=confirmed), purpose) is expected


# --- Expiry and what holds


def test_a_yes_expires_after_its_days_and_nothing_else_does():
    purpose, record = make_purpose(validity_days=30), make_record(happened_at=ago(days=30))
    assert expires_at(record, purpose) == NOW
    assert is_expired(record, purpose, NOW)
    assert not is_expired(record, purpose, NOW - timedelta(microseconds=1))
    assert expires_at(record, make_purpose()) is None
    assert not is_expired(record, make_purpose(), NOW + timedelta(days=36_500))
    for state in set(State) - {State.GIVEN}:
        assert expires_at(make_record(state), purpose) is None


def effective_states(catalogue, *records, jurisdiction="DE", when=NOW):
    by_slot = {(record.purpose, record.channel): record for record in records}
    found = effective(catalogue, by_slot, jurisdiction, when)
    return {(each.purpose.key, each.channel): each.state for each in found}


def test_what_holds_is_told_for_every_purpose_and_channel():
    catalogue = make_catalogue(
        make_purpose(channels=(Channel.EMAIL, Channel.SMS)), make_purpose(key="ads", channels=())
    )
    assert effective_states(catalogue, make_record(State.OBJECTED)) == {
        ("news", Channel.EMAIL): "objected",
        ("news", Channel.SMS): "no_record",
        ("ads", None): "no_record",
    }


@pytest.mark.parametrize("state", State)
def test_what_holds_is_what_the_record_says(state):
    assert effective_states(make_catalogue(), make_record(state)) == {
        ("news", Channel.EMAIL): state.value
    }


def test_what_holds_of_an_old_yes():
    purpose = make_purpose(validity_days=5)
    record = make_record(happened_at=ago(days=6))
    assert list(effective_states(make_catalogue(purpose), record).values()) == ["expired"]
    notices = {"notice": (make_notice("1"), make_notice("2", Change.MATERIAL, ago(days=1)))}
    outdated = effective_states(make_catalogue(notices=notices), make_record())
    assert list(outdated.values()) == ["notice_outdated"]
    before = effective_states(make_catalogue(notices=notices), make_record(), when=ago(days=2))
    assert list(before.values()) == ["given"]


def test_what_holds_on_a_channel_that_came_after_a_no_to_all():
    catalogue = make_catalogue(make_purpose(channels=(Channel.EMAIL, Channel.SMS)))
    states = effective_states(catalogue, make_record(State.WITHDRAWN, channel=None))
    assert set(states.values()) == {"withdrawn"}


def test_what_holds_comes_with_regime_and_expiry():
    purpose = make_purpose(validity_days=30, default_regime=Regime.OPT_OUT)
    (found,) = effective(
        make_catalogue(purpose), {("news", Channel.EMAIL): make_record()}, "DE", NOW
    )
    assert (found.regime, found.expires_at) == ("opt_out", NOW + timedelta(days=20))


# --- What cannot be meant

POINTER = "/events/3"
TWO_NOTICES = {
    "notice": (make_notice("1"), make_notice("2", Change.MINOR, NOW)),
}


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"purpose": "unheard.of"}, "/purpose", "unknown_purpose"),
        ({"touchpoint": "unheard_of"}, "/touchpoint", "unknown_touchpoint"),
        ({"channel": Channel.POST}, "/channel", "channel_not_declared"),
        ({"channel": None}, "/channel", "channel_required"),
        ({"captured_at": NOW + AHEAD_TOLERATED + timedelta(microseconds=1)}, "/captured_at",
         "in_the_future"),
        ({"notice_version": None}, "/notice_version", "required"),
        ({"language": None}, "/language", "required"),
        ({"notice_version": "9"}, "/notice_version", "unknown_notice"),
        ({"notice_version": "2", "captured_at": ago(seconds=1)}, "/notice_version",
         "notice_not_in_use"),
        ({"language": "xx"}, "/language", "unknown_language"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", YES_KINDS)
def test_a_yes_that_cannot_be_meant_is_refused_at_its_place(kind, changes, pointer, code):
    catalogue = make_catalogue(
        make_purpose(channels=(Channel.EMAIL, Channel.SMS)), notices=TWO_NOTICES
    )
    with pytest.raises(Invalid) as refused:
        check_event(make_new_event(kind, **changes), catalogue, NOW, POINTER)
    (error,) = refused.value.errors
    assert (error.pointer, error.code) == (POINTER + pointer, code)


@pytest.mark.parametrize("kind", YES_KINDS)
def test_a_yes_may_be_five_minutes_ahead(kind):
    event = make_new_event(kind, captured_at=NOW + AHEAD_TOLERATED)
    assert check_event(event, make_catalogue(), NOW, "").key == "news"


@pytest.mark.parametrize("kind", [*NO_KINDS, EventKind.REQUESTED])
def test_all_else_needs_neither_notice_nor_channel_and_may_be_dated_ahead(kind):
    catalogue = make_catalogue(make_purpose(channels=(Channel.EMAIL, Channel.SMS)))
    event = make_new_event(kind, channel=None, captured_at=NOW + timedelta(days=9))
    assert check_event(event, catalogue, NOW, "").key == "news"


@pytest.mark.parametrize("kind", NO_KINDS)
def test_a_notice_that_a_no_names_is_checked(kind):
    with pytest.raises(Invalid) as refused:
        check_event(make_new_event(kind, notice_version="9"), make_catalogue(), NOW, POINTER)
    assert refused.value.errors[0].pointer == POINTER + "/notice_version"


def test_a_notice_may_be_used_from_its_first_moment():
    catalogue = make_catalogue(notices=TWO_NOTICES)
    assert check_event(make_new_event(notice_version="2"), catalogue, NOW, "")


def test_a_notice_not_in_use_yet_is_not_used_by_dating_ahead():
    soon = NOW + timedelta(minutes=2)
    notices = {"notice": (make_notice("1"), make_notice("2", Change.MINOR, soon))}
    event = make_new_event(notice_version="2", captured_at=soon)
    with pytest.raises(Invalid) as refused:
        check_event(event, make_catalogue(notices=notices), NOW, "")
    assert refused.value.errors[0].code == "notice_not_in_use"


def test_an_import_may_be_in_a_language_that_the_notice_lacks():
    event = make_new_event(language="xx", imported=True)
    assert check_event(event, make_catalogue(), NOW, "")


def test_a_refusal_repeats_nothing_that_was_sent():
    canary = "zq-canary"
    for name in ("purpose", "touchpoint", "notice_version", "language"):
        with pytest.raises(Invalid) as refused:
            check_event(make_new_event(**{name: canary}), make_catalogue(), NOW, "")
        assert canary not in repr((refused.value.text, refused.value.errors))
