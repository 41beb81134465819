"""A small world in which a check is made, from flat words; and what DESIGN.md's numbered rules
say of it, written from its text and not from the code."""

from dataclasses import dataclass
from datetime import timedelta

from consent_service.catalogue.model import Channel, LegalBasis, Regime, RestrictionGround
from consent_service.consents.model import State
from consent_service.customers.model import AgeBand
from consent_service.decisions.model import Person, decide
from tests.support.builders import (
    NOW,
    ago,
    make_catalogue,
    make_facts,
    make_mark,
    make_notice,
    make_purpose,
    make_question,
    make_record,
)

RECIPIENTS = ("named", "not named", "none")
CATEGORIES = ("omitted", "declared", "none", "undeclared")
CHANNELS = ("declared", "undeclared", "omitted of one", "omitted of two", "of a purpose without")
RESTRICTIONS = ("no", "yes", "yes, with a ground")
AGES = ("unknown", "old enough", "too young", "too young, by a guardian")
RECORDS = (
    "none",
    "given",
    "given, expired",
    "given, outdated",
    "requested",
    "requested after a no",
    "refused",
    "withdrawn",
    "objected",
    "revoked",
)
NOES = ("refused", "withdrawn", "objected", "revoked")
BASES = tuple(basis.value for basis in LegalBasis)
REGIMES = ("opt_in", "opt_out")


@dataclass(frozen=True, slots=True)
class World:
    recipient: str = "named"
    categories: str = "omitted"
    channel: str = "declared"
    suppressed: bool = False
    known: bool = True
    restricted: str = "no"
    age: str = "unknown"
    basis: str = "consent"
    accepted: bool = True
    regime: str = "opt_in"
    explicit: bool = False
    sale: bool = False
    gpc: bool = False
    record: str = "given"


def said_by_design(world):
    """The reason that the rule list gives: first match wins."""
    if world.recipient != "named":
        return "recipient_not_allowed"
    if world.categories == "undeclared":
        return "category_not_allowed"
    if world.channel == "undeclared":
        return "channel_not_allowed"
    if world.channel == "omitted of two":
        return "channel_required"
    if world.suppressed:
        return "suppressed"
    if not world.known:
        return "no_record"
    if world.restricted == "yes":
        return "restricted"
    if world.age == "too young" or (world.age == "too young, by a guardian" and not said(world)):
        return "guardian_required"
    basis, regime = (world.basis, world.regime) if world.accepted else ("consent", "opt_in")
    if basis in ("contract", "legal_obligation", "vital_interests"):
        return "legal_basis"
    if basis in ("legitimate_interests", "public_task"):
        return opted_out(world) or "legal_basis"
    if regime == "opt_out" and not world.explicit:
        return opted_out(world) or "not_opted_out"
    return {
        "none": "no_record",
        "given": "consent_given",
        "given, expired": "expired",
        "given, outdated": "notice_outdated",
        "requested after a no": "requested",
    }.get(world.record, world.record)


def said(world):
    return world.record != "none"


def opted_out(world):
    if world.record in NOES:
        return world.record
    if world.record == "requested after a no":
        return "refused"
    return "gpc" if world.gpc and world.sale else None


def judged(world, now=NOW):
    """The verdict of the code."""
    return decide(*case(world), now)


def case(world):
    """Question, person, catalogue."""
    channels = {"omitted of two": (Channel.EMAIL, Channel.SMS), "of a purpose without": ()}
    purpose = make_purpose(
        channels=channels.get(world.channel, (Channel.EMAIL,)),
        legal_basis=LegalBasis(world.basis),
        default_regime=Regime(world.regime),
        explicit=world.explicit,
        sale_or_targeted_advertising=world.sale,
        validity_days=365,
        minimum_age=None if world.age == "unknown" else 16,
        restriction_ground=RestrictionGround.LEGAL_CLAIMS if "ground" in world.restricted else None,
    )
    bases = frozenset(LegalBasis) if world.accepted else frozenset()
    catalogue = make_catalogue(purpose, notices={"notice": NOTICES})
    accepting = catalogue.jurisdictions["DE"]
    catalogue.jurisdictions["DE"] = type(accepting)("DE", bases, {}, 0, "")
    return _question(world), _person(world), catalogue


NOTICES = (make_notice("0", in_use_from=ago(days=900)), make_notice("1", in_use_from=ago(days=800)))


def _question(world):
    asked = {
        "recipient": {"named": "mailer", "not named": "broker", "none": None}[world.recipient],
        "data_categories": {
            "omitted": None,
            "declared": ("name",),
            "none": (),
            "undeclared": ("name", "age"),
        }[world.categories],
        "channel": {"declared": Channel.EMAIL, "undeclared": Channel.POST}.get(world.channel),
    }
    return make_question(**asked)


def _person(world):
    facts = None
    bands = {"old enough": AgeBand.FROM_16, "unknown": None}
    if world.known:
        facts = make_facts(
            age_band=bands.get(world.age, AgeBand.FROM_13),
            restricted=world.restricted != "no",
            gpc_since=ago(days=1) if world.gpc else None,
        )
    record = _record(world)
    records = {} if record is None else {(record.purpose, record.channel): record}
    marks = (make_mark(happened_at=NOW),) if world.suppressed else ()
    return Person(facts, records, marks)


def _record(world):
    if world.record == "none":
        return None
    word = world.record.partition(",")[0].partition(" ")[0]
    changes = {
        "channel": {"of a purpose without": None, "undeclared": Channel.POST}.get(
            world.channel, Channel.EMAIL
        ),
        "by_guardian": world.age == "too young, by a guardian",
    }
    if world.record == "given, expired":
        changes["happened_at"] = NOW - timedelta(days=365)
    if world.record == "given, outdated":
        changes["notice_version"] = "0"
    if world.record == "requested after a no":
        changes["standing_no"] = State.REFUSED
    return make_record(State(word), **changes)
