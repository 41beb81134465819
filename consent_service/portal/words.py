"""Keys of the rules in plain words of a language."""

from collections.abc import Sequence
from datetime import datetime

from babel.dates import format_date
from babel.lists import format_list

from consent_service.catalogue.model import Catalogue, Channel, LegalBasis, Party, PurposeText
from consent_service.catalogue.model import Purpose as CataloguePurpose
from consent_service.consents.model import Event, EventKind
from consent_service.decisions.model import Reason
from consent_service.disclosures.model import Breach
from consent_service.disclosures.texts import name_in
from consent_service.kernel.actors import ActorKind
from consent_service.portal.links import BY_LINK
from consent_service.portal.model import Use
from consent_service.portal.widget import BY_DEVICE
from consent_service.web.texts import Language, say, translations


def purpose_text(purpose: CataloguePurpose, catalogue: Catalogue, spoken: Language) -> PurposeText:
    """A purpose in a language, else in the catalogue's first."""
    return purpose.text.get(spoken.code) or purpose.text[catalogue.languages[0]]


def date(instant: datetime | None, spoken: Language) -> str:
    """A day, by UTC."""
    return "" if instant is None else format_date(instant, "long", locale=spoken.locale)


def listed(names: Sequence[str], spoken: Language) -> str:
    """A, B and C."""
    return format_list(list(names), locale=spoken.locale)


def country(code: str, spoken: Language) -> str:
    """The name of a country."""
    return str(spoken.locale.territories.get(code, code))


def days(number: int, spoken: Language) -> str:
    """A number of days, as years where it is whole years, give or take leap days."""
    years = round(number / 365.25)
    said = translations(spoken.code)
    if years and abs(number - years * 365.25) <= 1:
        return said.ngettext("%(num)s year", "%(num)s years", years) % {"num": years}
    return said.ngettext("%(num)s day", "%(num)s days", number) % {"num": number}


def channel(of: Channel | None, spoken: Language) -> str:
    """How somebody is reached; nothing where they are not."""
    words = {
        Channel.EMAIL: say(spoken, "By e-mail"),
        Channel.SMS: say(spoken, "By text message"),
        Channel.PHONE: say(spoken, "By phone"),
        Channel.PUSH: say(spoken, "By app notification"),
        Channel.POST: say(spoken, "By post"),
        Channel.MESSENGER: say(spoken, "By messenger"),
        Channel.ONSITE: say(spoken, "On our pages"),
    }
    return "" if of is None else words[of]


def basis(of: LegalBasis, spoken: Language) -> str:
    """Why it is lawful."""
    words = {
        LegalBasis.CONSENT: say(spoken, "Only with your consent"),
        LegalBasis.CONTRACT: say(spoken, "To do what we agreed with you"),
        LegalBasis.LEGAL_OBLIGATION: say(spoken, "Because the law obliges us to"),
        LegalBasis.VITAL_INTERESTS: say(spoken, "To protect life and health"),
        LegalBasis.PUBLIC_TASK: say(spoken, "For a task in the public interest; you can object"),
        LegalBasis.LEGITIMATE_INTERESTS: say(
            spoken, "Because we have a legitimate interest; you can object"
        ),
    }
    return words[of]


def party(of: Party | str | None, spoken: Language) -> str:
    """Whose a source is."""
    words = {
        "first": say(spoken, "our own"),
        "second": say(spoken, "from a partner"),
        "third": say(spoken, "bought or received from others"),
    }
    return "" if of is None else words[str(of)]


def state(use: Use, spoken: Language) -> str:
    """Whether a use is made now, and why or why not."""
    since = None if use.record is None else date(use.record.happened_at, spoken)
    ends = date(use.expires_at, spoken)
    match use.reason:
        case Reason.CONSENT_GIVEN if use.expires_at is not None:
            return say(
                spoken,
                "You said yes on %(since)s. It holds until %(ends)s.",
                since=since,
                ends=ends,
            )
        case Reason.CONSENT_GIVEN:
            return say(spoken, "You said yes on %(since)s.", since=since)
        case Reason.REFUSED | Reason.WITHDRAWN:
            return say(spoken, "You said no on %(since)s. It is not used.", since=since)
        case Reason.OBJECTED:
            return say(spoken, "You objected on %(since)s. It is not used.", since=since)
        case Reason.REVOKED:
            return say(spoken, "We ended this on %(since)s. It is not used.", since=since)
        case Reason.NO_RECORD:
            return say(spoken, "You have not answered yet. It is not used.")
        case Reason.LEGAL_BASIS:
            return say(spoken, "It is used.")
        case Reason.EXPIRED:
            return say(spoken, "Your yes ran out on %(ends)s. It is not used.", ends=ends)
    return reason(use.reason, spoken)


def reason(of: Reason | Breach | str, spoken: Language) -> str:
    """Why a check was answered as it was, or what was wrong with a use."""
    words = {
        Reason.UNKNOWN_PURPOSE: say(spoken, "There is no such purpose."),
        Reason.RECIPIENT_NOT_ALLOWED: say(spoken, "Whoever asked may not have it for this."),
        Reason.CATEGORY_NOT_ALLOWED: say(spoken, "Data were asked for that this does not need."),
        Reason.CHANNEL_NOT_ALLOWED: say(spoken, "You are not reached this way for this."),
        Reason.CHANNEL_REQUIRED: say(spoken, "It was not said how you would be reached."),
        Reason.SUPPRESSED: say(spoken, "Your address is on the do-not-use list."),
        Reason.NO_RECORD: say(spoken, "Without a yes from you it is not used."),
        Reason.RESTRICTED: say(spoken, "The use of your data is restricted. It is not used."),
        Reason.GUARDIAN_REQUIRED: say(spoken, "A parent or guardian has to say yes for you."),
        Reason.LEGAL_BASIS: say(spoken, "This needs no yes from you."),
        Reason.CONSENT_GIVEN: say(spoken, "You had said yes."),
        Reason.NOT_OPTED_OUT: say(spoken, "It is used unless you say no."),
        Reason.REQUESTED: say(
            spoken, "It waits for you to open the link in our mail. Until then it is not used."
        ),
        Reason.REFUSED: say(spoken, "You had said no."),
        Reason.WITHDRAWN: say(spoken, "You had withdrawn your yes."),
        Reason.OBJECTED: say(spoken, "You had objected."),
        Reason.REVOKED: say(spoken, "We had ended it."),
        Reason.EXPIRED: say(spoken, "Your yes had run out."),
        Reason.NOTICE_OUTDATED: say(
            spoken, "What we tell you about it has changed. Until you answer it is not used."
        ),
        Reason.GPC: say(spoken, "Your browser asks not to sell or share your data."),
        Breach.NOT_PERMITTED: say(spoken, "It had not been allowed."),
        Breach.TOO_EARLY: say(spoken, "It was used before it was asked."),
        Breach.EXPIRED: say(spoken, "The permission had run out."),
        Breach.RECIPIENT: say(spoken, "Somebody else used it than had asked."),
        Breach.CATEGORIES: say(spoken, "More data were used than had been allowed."),
    }
    return words.get(str(of), str(of))  # type: ignore[call-overload,no-any-return]  # StrEnums


def event(of: EventKind, spoken: Language) -> str:
    """What was said."""
    words = {
        EventKind.REQUESTED: say(spoken, "Yes, to be confirmed"),
        EventKind.GIVEN: say(spoken, "Yes"),
        EventKind.REFUSED: say(spoken, "No"),
        EventKind.WITHDRAWN: say(spoken, "No, withdrawn"),
        EventKind.OBJECTED: say(spoken, "Objection"),
        EventKind.REVOKED: say(spoken, "Ended by us"),
        EventKind.RENEWED: say(spoken, "Yes, renewed"),
    }
    return words[of]


def who(of: Event, spoken: Language) -> str:
    """Who recorded it. Of staff not which of them."""
    if of.by_guardian or of.actor.kind is ActorKind.GUARDIAN:
        return say(spoken, "a parent or guardian for you")
    if of.imported:
        return say(spoken, "taken over from an earlier system")
    if of.actor == BY_DEVICE:
        return say(spoken, "you, on a website, not signed in")
    if of.actor == BY_LINK:
        return say(spoken, "whoever had the link in a mail to you")
    if of.actor.kind is ActorKind.CUSTOMER:
        return say(spoken, "you, signed in")
    if of.actor.kind is ActorKind.CLIENT:
        return say(spoken, "you, recorded by “%(app)s”", app=of.actor.id)
    return say(spoken, "our staff")


def touchpoint(key: str | None, catalogue: Catalogue, spoken: Language) -> str:
    """Where it was said."""
    known = catalogue.touchpoints.get(key or "")
    return key or "" if known is None else name_in(spoken, known.text, catalogue)
