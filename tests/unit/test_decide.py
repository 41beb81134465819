"""The rule book. The table of rules is here; the same rules, written a second time from
DESIGN.md, are in `tests/support/worlds.py` and are held against it over a whole product."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from consent_service.catalogue.model import (
    Change,
    Channel,
    LegalBasis,
    Regime,
    RegimeRule,
    RestrictionGround,
)
from consent_service.consents.model import State
from consent_service.customers.model import AgeBand, IdentifierType
from consent_service.decisions.model import Outcome, Person, Reason, decide
from consent_service.suppressions.model import Reason as Mark
from tests.support import worlds
from tests.support.builders import (
    NOW,
    ago,
    an_id,
    make_catalogue,
    make_facts,
    make_mark,
    make_notice,
    make_person,
    make_purpose,
    make_question,
    make_record,
)
from tests.support.worlds import World, judged, said_by_design

PERMITS = {Reason.LEGAL_BASIS, Reason.CONSENT_GIVEN, Reason.NOT_OPTED_OUT}

# Each rule in its order, with what makes it match. `None`: it lets the check go on.
TABLE = [
    ("2 recipient", {"recipient": "not named"}, "recipient_not_allowed"),
    ("2 no recipient", {"recipient": "none"}, "recipient_not_allowed"),
    ("3 category", {"categories": "undeclared"}, "category_not_allowed"),
    ("3 channel", {"channel": "undeclared"}, "channel_not_allowed"),
    ("3 channel omitted", {"channel": "omitted of two"}, "channel_required"),
    ("4 suppressed", {"suppressed": True}, "suppressed"),
    ("5 unknown", {"known": False}, "no_record"),
    ("6 restricted", {"restricted": "yes"}, "restricted"),
    ("7 too young", {"age": "too young"}, "guardian_required"),
    ("8 judged as consent", {"accepted": False, "record": "none"}, "no_record"),
    ("9 contract", {"basis": "contract"}, "legal_basis"),
    ("9 obligation", {"basis": "legal_obligation"}, "legal_basis"),
    ("9 vital", {"basis": "vital_interests"}, "legal_basis"),
    ("10 withdrawn", {"basis": "legitimate_interests", "record": "withdrawn"}, "withdrawn"),
    ("10 refused", {"basis": "public_task", "record": "refused"}, "refused"),
    ("10 objected", {"basis": "legitimate_interests", "record": "objected"}, "objected"),
    ("10 revoked", {"basis": "public_task", "record": "revoked"}, "revoked"),
    ("10 gpc", {"basis": "public_task", "sale": True, "gpc": True, "record": "none"}, "gpc"),
    ("10 else", {"basis": "public_task", "record": "none", "sale": False}, "legal_basis"),
    ("11 no record", {"record": "none", "basis": "consent", "regime": "opt_in"}, "no_record"),
    ("11 requested", {"record": "requested"}, "requested"),
    ("11 expired", {"record": "given, expired"}, "expired"),
    ("11 outdated", {"record": "given, outdated"}, "notice_outdated"),
    ("11 given", {"record": "given", "basis": "consent", "regime": "opt_in"}, "consent_given"),
    ("11 explicit", {"explicit": True, "regime": "opt_out", "record": "none"}, "no_record"),
    ("12 withdrawn", {"regime": "opt_out", "record": "withdrawn"}, "withdrawn"),
    ("12 gpc", {"regime": "opt_out", "sale": True, "gpc": True, "record": "none"}, "gpc"),
    ("12 else", {"regime": "opt_out", "record": "none"}, "not_opted_out"),
]
NAMES = [name for name, _, _ in TABLE]


@pytest.mark.parametrize(("changes", "reason"), [row[1:] for row in TABLE], ids=NAMES)
def test_each_rule_alone(changes, reason):
    assert judged(World(**changes)).reason == reason


def pairs():
    """Each two rules that can match at once: what makes the later match does not undo the
    earlier."""
    for (first, one, reason), (second, other, _) in itertools.combinations(TABLE, 2):
        if all(other.get(name, value) == value for name, value in one.items()):
            yield pytest.param(one, other, reason, id=f"{first} before {second}")


@pytest.mark.parametrize(("earlier", "later", "reason"), [*pairs()])
def test_of_two_rules_the_earlier_wins(earlier, later, reason):
    assert judged(
        World(**later, **{n: v for n, v in earlier.items() if n not in later})
    ).reason == (reason)


def test_every_two_neighbours_are_among_the_pairs():
    gates = [name for name in NAMES if int(name.split()[0]) < 8]
    seen = {parameter.id for parameter in pairs()}
    exclusive = {
        ("2 recipient", "2 no recipient"),
        ("3 channel", "3 channel omitted"),
    }
    neighbours = set(itertools.pairwise(gates)) - exclusive
    assert {f"{one} before {other}" for one, other in neighbours} <= seen
    for name in ("9 contract", "10 objected", "11 given", "12 else"):
        assert f"7 too young before {name}" in seen
    assert "8 judged as consent before 9 contract" in seen


GATES = {
    "recipient": worlds.RECIPIENTS,
    "categories": worlds.CATEGORIES,
    "channel": worlds.CHANNELS,
    "suppressed": (False, True),
    "known": (True, False),
    "restricted": worlds.RESTRICTIONS,
    "age": worlds.AGES,
}
BASES = {
    "basis": worlds.BASES,
    "accepted": (True, False),
    "regime": worlds.REGIMES,
    "explicit": (False, True),
    "sale": (False, True),
    "gpc": (False, True),
    "record": worlds.RECORDS,
}


def every(space, **fixed):
    for values in itertools.product(*space.values()):
        yield World(**dict(zip(space, values, strict=True)), **fixed)


def disagreeing(found):
    return [world for world in found if judged(world).reason != said_by_design(world)]


@pytest.mark.parametrize("basis", worlds.BASES)
def test_every_basis_regime_and_record_is_judged_as_designed(basis):
    assert disagreeing(every({**BASES, "basis": (basis,)})) == []


@pytest.mark.parametrize("age", worlds.AGES)
def test_every_basis_is_judged_as_designed_at_each_age(age):
    assert disagreeing(every({**BASES, "gpc": (True,)}, age=age)) == []


@pytest.mark.parametrize(
    "fixed",
    [
        {},
        {"record": "none"},
        {"record": "withdrawn", "regime": "opt_out"},
        {"basis": "contract"},
        {"basis": "legitimate_interests", "accepted": False, "record": "none"},
    ],
    ids=str,
)
def test_every_gate_is_judged_as_designed(fixed):
    assert disagreeing(every(GATES, **fixed)) == []


WORLDS = st.builds(
    World, **{name: st.sampled_from(values) for name, values in {**GATES, **BASES}.items()}
)


@given(WORLDS)
def test_a_permit_has_one_of_three_reasons_and_nothing_else_has_them(world):
    verdict = judged(world)
    assert (verdict.outcome is Outcome.PERMIT) == (verdict.reason in PERMITS)


@given(WORLDS)
@settings(max_examples=200)
def test_a_no_never_permits_under_consent(world):
    needs = not world.accepted or (world.basis == "consent" and world.regime == "opt_in")
    if needs and world.record != "given":
        assert judged(world).outcome is Outcome.DENY


@given(WORLDS)
@settings(max_examples=200)
def test_a_no_never_permits_where_silence_would(world):
    if world.record in (*worlds.NOES, "requested after a no"):
        needs_none = world.accepted and world.basis in (
            "contract", "legal_obligation", "vital_interests",
        )  # fmt: skip
        assert judged(world).outcome is Outcome.DENY or needs_none


@given(WORLDS)
def test_what_is_not_declared_is_denied(world):
    declared = world.recipient == "named" and world.categories != "undeclared"
    if not declared or world.channel in ("undeclared", "omitted of two"):
        assert judged(world).outcome is Outcome.DENY


@given(WORLDS, st.integers(-(10**7), 10**7))
def test_an_answer_holds_no_longer_than_its_lifetime_and_its_consent(world, seconds):
    now = NOW + timedelta(seconds=seconds)
    question, person, catalogue = worlds.case(world)
    verdict = decide(question, person, catalogue, now)
    assert now <= verdict.valid_until <= now + timedelta(seconds=60)
    if verdict.reason is Reason.CONSENT_GIVEN:
        assert verdict.valid_until <= verdict.record.happened_at + timedelta(days=365)


@pytest.mark.parametrize(
    ("left", "until"), [(61, 60), (60, 60), (59, 59), (1, 1)], ids=lambda seconds: f"{seconds} s"
)
def test_an_answer_ends_with_the_consent_it_rests_on(left, until):
    given_at = NOW - timedelta(days=365) + timedelta(seconds=left)
    verdict = decide(
        make_question(),
        make_person(make_record(happened_at=given_at)),
        make_catalogue(make_purpose(validity_days=365)),
        NOW,
    )
    assert verdict.reason is Reason.CONSENT_GIVEN
    assert verdict.valid_until == NOW + timedelta(seconds=until)


def test_a_consent_ends_at_the_instant_of_its_expiry():
    purpose = make_purpose(validity_days=10)
    record = make_record(happened_at=ago(days=10))
    verdict = decide(make_question(), make_person(record), make_catalogue(purpose), NOW)
    assert verdict.reason is Reason.EXPIRED


@given(
    st.sampled_from(list(LegalBasis)),
    st.sampled_from(list(Regime)),
    st.one_of(st.none(), st.sampled_from(list(Channel))),
    st.sets(st.sampled_from(list(Channel))),
    st.one_of(st.none(), st.sampled_from(list(AgeBand))),
    st.one_of(st.none(), st.integers(1, 120)),
    st.one_of(st.none(), st.sampled_from(["DE", "XX", "US-CA", "ZZ-9"])),
    st.one_of(st.none(), st.sampled_from(list(State))),
    st.one_of(st.none(), st.sampled_from(["1", "2", "unheard of"])),
    st.lists(st.sampled_from(list(Mark)), max_size=2),
    st.sampled_from(list(IdentifierType)),
    st.booleans(),
)
def test_decide_always_answers(
    basis, regime, channel, channels, band, age, jurisdiction, state, version, marks, kind, flag
):
    purpose = make_purpose(
        legal_basis=basis,
        default_regime=regime,
        channels=tuple(sorted(channels)),
        minimum_age=age,
        sale_or_targeted_advertising=flag,
        direct_marketing=flag,
        validity_days=36_525,
        restriction_ground=RestrictionGround.LEGAL_CLAIMS if flag else None,
    )
    record = state and make_record(state, notice_version=version, channel=channel)
    person = Person(
        make_facts(jurisdiction, band, restricted=flag, gpc_since=NOW),
        {} if record is None else {(record.purpose, record.channel): record},
        tuple(make_mark(mark, identifier_type=kind) for mark in marks),
        (kind, None) if flag else None,
    )
    verdict = decide(make_question(channel=channel), person, make_catalogue(purpose), NOW)
    assert (verdict.outcome is Outcome.PERMIT) == (verdict.reason in PERMITS)


# --- What an answer speaks of


def test_an_answer_names_the_only_channel_and_every_declared_category():
    verdict = judged(World(channel="omitted of one"))
    assert (verdict.channel, verdict.data_categories) == (Channel.EMAIL, ("email_address", "name"))


def test_an_answer_names_the_categories_asked_for():
    assert judged(World(categories="declared")).data_categories == ("name",)


def test_an_answer_carries_the_record_it_was_read_from():
    record = make_record(State.WITHDRAWN)
    assert decide(make_question(), make_person(record), make_catalogue(), NOW).record is record


def test_a_yes_for_one_channel_says_nothing_of_another():
    purpose = make_purpose(channels=(Channel.EMAIL, Channel.SMS))
    catalogue, person = make_catalogue(purpose), make_person(make_record())
    for channel, reason in ((Channel.EMAIL, "consent_given"), (Channel.SMS, "no_record")):
        assert decide(make_question(channel=channel), person, catalogue, NOW).reason == reason


# --- A no to all channels


def test_a_no_to_all_channels_counts_for_one_that_the_purpose_got_later():
    purpose = make_purpose(channels=(Channel.EMAIL, Channel.SMS), default_regime=Regime.OPT_OUT)
    catalogue = make_catalogue(purpose)
    person = make_person(make_record(State.WITHDRAWN, channel=None))
    verdict = decide(make_question(channel=Channel.SMS), person, catalogue, NOW)
    assert verdict.reason is Reason.WITHDRAWN


def test_what_was_said_of_the_channel_itself_comes_first():
    both = [make_record(State.WITHDRAWN, channel=None), make_record(happened_at=ago(days=1))]
    person = make_person(records={(record.purpose, record.channel): record for record in both})
    assert decide(make_question(), person, make_catalogue(), NOW).reason is Reason.CONSENT_GIVEN


def test_a_yes_without_a_channel_is_of_no_channel_that_the_purpose_got_later():
    person = make_person(make_record(channel=None))
    assert decide(make_question(), person, make_catalogue(), NOW).reason is Reason.NO_RECORD


# --- Regimes and jurisdictions


@pytest.mark.parametrize(
    ("jurisdiction", "reason"),
    [("US-CA", "not_opted_out"), ("US", "no_record"), ("DE", "no_record"), (None, "no_record")],
)
def test_a_regime_of_a_jurisdiction_is_of_that_jurisdiction(jurisdiction, reason):
    purpose = make_purpose(regime_rules=(RegimeRule(None, "US-CA", Regime.OPT_OUT),))
    person = make_person(facts=make_facts(jurisdiction))
    assert decide(make_question(), person, make_catalogue(purpose), NOW).reason == reason


@pytest.mark.parametrize(
    ("jurisdiction", "reason"),
    [("DE", "legal_basis"), ("XX", "no_record"), ("ZZ", "no_record"), (None, "no_record")],
)
def test_a_basis_counts_where_it_is_accepted(jurisdiction, reason):
    """Where the jurisdiction is unknown, what every declared one accepts."""
    purpose = make_purpose(legal_basis=LegalBasis.CONTRACT)
    person = make_person(facts=make_facts(jurisdiction))
    assert decide(make_question(), person, make_catalogue(purpose), NOW).reason == reason


def test_a_basis_not_accepted_is_judged_under_opt_in_whatever_the_regime():
    purpose = make_purpose(
        legal_basis=LegalBasis.LEGITIMATE_INTERESTS, default_regime=Regime.OPT_OUT
    )
    person = make_person(facts=make_facts("XX"))
    assert decide(make_question(), person, make_catalogue(purpose), NOW).reason is Reason.NO_RECORD


# --- Age


@pytest.mark.parametrize(
    ("band", "minimum", "young"),
    [
        (AgeBand.UNDER_13, 13, True),
        (AgeBand.FROM_13, 13, False),
        (AgeBand.FROM_13, 14, True),
        (AgeBand.FROM_13, 16, True),
        (AgeBand.FROM_16, 16, False),
        (AgeBand.FROM_16, 18, True),
        (AgeBand.ADULT, 18, False),
        (AgeBand.ADULT, None, False),
        (AgeBand.UNDER_13, None, False),
        (None, 16, False),
    ],
)
def test_whoever_may_be_too_young_needs_a_guardian(band, minimum, young):
    person = make_person(make_record(), facts=make_facts(age_band=band))
    catalogue = make_catalogue(make_purpose(minimum_age=minimum))
    reason = decide(make_question(), person, catalogue, NOW).reason
    assert reason is (Reason.GUARDIAN_REQUIRED if young else Reason.CONSENT_GIVEN)


def test_what_the_child_said_after_the_guardian_is_not_the_guardian_s():
    facts = make_facts(age_band=AgeBand.FROM_13)
    catalogue = make_catalogue(make_purpose(minimum_age=16))
    for by_guardian, reason in ((True, "consent_given"), (False, "guardian_required")):
        person = make_person(make_record(by_guardian=by_guardian), facts=facts)
        assert decide(make_question(), person, catalogue, NOW).reason == reason


# --- Notices


@pytest.mark.parametrize(
    ("change", "in_use_from", "reason"),
    [
        (Change.MATERIAL, ago(days=1), "notice_outdated"),
        (Change.MATERIAL, NOW, "notice_outdated"),
        (Change.MATERIAL, NOW + timedelta(microseconds=1), "consent_given"),
        (Change.MINOR, ago(days=1), "consent_given"),
    ],
)
def test_a_material_change_asks_again_from_the_moment_it_is_in_use(change, in_use_from, reason):
    notices = (make_notice("1"), make_notice("2", change, in_use_from))
    catalogue = make_catalogue(notices={"notice": notices})
    assert decide(make_question(), make_person(make_record()), catalogue, NOW).reason == reason


def test_what_is_expired_and_outdated_is_expired():
    record = make_record(happened_at=ago(days=10), notice_version="unheard of")
    catalogue = make_catalogue(make_purpose(validity_days=10))
    assert decide(make_question(), make_person(record), catalogue, NOW).reason is Reason.EXPIRED


def test_a_yes_under_a_version_that_nobody_knows_is_outdated():
    person = make_person(make_record(notice_version="unheard of"))
    verdict = decide(make_question(), person, make_catalogue(), NOW)
    assert verdict.reason is Reason.NOTICE_OUTDATED


# --- Suppressions

LIFTING = make_record(happened_at=ago(days=1))


def suppressed(person, **purpose):
    verdict = decide(make_question(), person, make_catalogue(make_purpose(**purpose)), NOW)
    return verdict.reason is Reason.SUPPRESSED


@pytest.mark.parametrize("reason", [Mark.COMPLAINED, Mark.OPTED_OUT, Mark.ERASED])
@pytest.mark.parametrize("marketing", [True, False])
def test_these_marks_reach_direct_marketing_alone(reason, marketing):
    person = make_person(make_record(), marks=(make_mark(reason),))
    assert suppressed(person, direct_marketing=marketing) is marketing


@pytest.mark.parametrize("basis", LegalBasis)
def test_deceased_reaches_everything_but_legal_obligations(basis):
    person = make_person(LIFTING, marks=(make_mark(Mark.DECEASED),))
    for marketing in (True, False):
        reached = suppressed(person, legal_basis=basis, direct_marketing=marketing)
        assert reached is (basis is not LegalBasis.LEGAL_OBLIGATION)


@pytest.mark.parametrize("reason", [Mark.COMPLAINED, Mark.OPTED_OUT, Mark.ERASED])
@pytest.mark.parametrize(
    ("record", "lifted"),
    [
        (LIFTING, True),
        (make_record(happened_at=ago(days=5)), False),
        (make_record(happened_at=ago(days=6)), False),
        (make_record(happened_at=ago(days=1), direct=False), False),
        (make_record(State.REQUESTED, happened_at=ago(days=1)), False),
        (make_record(State.WITHDRAWN, happened_at=ago(days=1)), False),
        (None, False),
    ],
    ids=["newer yes", "at once", "older", "imported", "requested", "withdrawn", "nothing"],
)
def test_only_a_newer_yes_of_the_person_lifts_a_mark(reason, record, lifted):
    assert suppressed(make_person(record, marks=(make_mark(reason),))) is not lifted


def test_a_yes_to_another_purpose_lifts_nothing():
    other = make_record(purpose="other", happened_at=ago(days=1))
    person = make_person(other, marks=(make_mark(),))
    assert suppressed(person, legal_basis=LegalBasis.LEGITIMATE_INTERESTS)


def test_one_mark_that_counts_is_enough():
    marks = (make_mark(happened_at=ago(days=5)), make_mark(happened_at=NOW))
    assert suppressed(make_person(LIFTING, marks=marks))
    assert not suppressed(make_person(LIFTING, marks=marks[:1]))


def test_a_closed_mark_does_not_count():
    assert not suppressed(make_person(make_record(), marks=(make_mark(closed_at=ago(days=1)),)))


def test_nobody_known_may_be_suppressed():
    marked = Person(None, {}, (make_mark(identifier_id=None),), (IdentifierType.EMAIL, None))
    assert suppressed(marked)
    assert not suppressed(structs.replace(marked, marks=()))


DEAD, LIVE = an_id(), an_id()


def undeliverable(asked_by=None, addresses=(DEAD, LIVE), **changes):
    mark = make_mark(Mark.UNDELIVERABLE, identifier_id=DEAD, **changes)
    return make_person(
        make_record(),
        marks=(mark,),
        asked_by=asked_by,
        addresses={mark.identifier_type: frozenset(addresses)},
    )


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (undeliverable((IdentifierType.EMAIL, DEAD)), True),
        (undeliverable((IdentifierType.EMAIL, LIVE)), False),
        (undeliverable(None), False),
        (undeliverable(None, [DEAD]), True),
        (undeliverable(None, []), True),
        (undeliverable((IdentifierType.CUSTOMER_NUMBER, an_id()), [DEAD]), True),
        (undeliverable((IdentifierType.CUSTOMER_NUMBER, an_id())), False),
        (undeliverable((IdentifierType.EMAIL, DEAD), channel=Channel.EMAIL), True),
        (undeliverable((IdentifierType.EMAIL, DEAD), channel=Channel.SMS), False),
        (undeliverable((IdentifierType.PHONE, DEAD), identifier_type=IdentifierType.PHONE), False),
    ],
    ids=[
        "asked by it",
        "asked by another",
        "another is left",
        "none is left",
        "none is here at all",
        "asked by number, none left",
        "asked by number, another left",
        "of the channel",
        "of another channel",
        "an address of another channel",
    ],
)
def test_undeliverable_reaches_that_address_on_its_channel(person, expected):
    assert suppressed(person) is expected
    assert suppressed(person, direct_marketing=False) is expected


def test_no_yes_makes_an_address_deliverable():
    person = structs.replace(
        undeliverable((IdentifierType.EMAIL, DEAD)),
        records={(LIFTING.purpose, LIFTING.channel): LIFTING},
    )
    assert suppressed(person)


def test_every_reason_can_be_given():
    """But for the first, which is for whoever looks the purpose up."""
    found = {judged(world).reason for world in (*every(GATES), *every(BASES))}
    assert found == set(Reason) - {Reason.UNKNOWN_PURPOSE}
