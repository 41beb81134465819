"""What happened, in plain words of a language, with the names that the catalogue gave then."""

from consent_service.catalogue.model import Catalogue, Channel, Texts
from consent_service.decisions.model import Outcome
from consent_service.ledger.model import Entry, EntryKind
from consent_service.web.texts import Language, say


def text_of(entry: Entry, catalogue: Catalogue, language: Language) -> str:
    """One sentence to a customer. What the catalogue does not know is called by its key; a use that
    names nobody is of an audience."""
    permitted = entry.outcome == Outcome.PERMIT
    values = {
        "recipient": _recipient(entry, catalogue, language),
        "details": _details(entry, catalogue, language),
        "purpose": _purpose_by_channel(entry, catalogue, language),
    }
    if entry.kind is EntryKind.DISCLOSURE and not entry.known and permitted:
        return say(
            language,
            "%(recipient)s used %(details)s for %(purpose)s, as allowed: you were among the people "
            "chosen.",
            **values,
        )
    if entry.kind is EntryKind.DISCLOSURE and not entry.known:
        return say(
            language,
            "%(recipient)s used %(details)s for %(purpose)s, although this was not allowed: you "
            "were among the people asked about.",
            **values,
        )
    if entry.kind is EntryKind.DISCLOSURE and permitted:
        return say(
            language, "%(recipient)s used %(details)s for %(purpose)s, as allowed.", **values
        )
    if entry.kind is EntryKind.DISCLOSURE:
        return say(
            language,
            "%(recipient)s used %(details)s for %(purpose)s, although this was not allowed.",
            **values,
        )
    if entry.kind is EntryKind.SCREENING and permitted:
        return say(
            language,
            "%(recipient)s chose people for %(purpose)s, to use %(details)s: you were among them.",
            **values,
        )
    if entry.kind is EntryKind.SCREENING:
        return say(
            language,
            "%(recipient)s chose people for %(purpose)s, to use %(details)s: you were left out.",
            **values,
        )
    if permitted:
        return say(
            language,
            "%(recipient)s asked whether they may use %(details)s for %(purpose)s: allowed.",
            **values,
        )
    return say(
        language,
        "%(recipient)s asked whether they may use %(details)s for %(purpose)s: not allowed.",
        **values,
    )


def name_in(language: Language, texts: Texts, catalogue: Catalogue) -> str:
    """A name in a language, else in the catalogue's first."""
    return texts.get(language.code) or texts[catalogue.languages[0]]


def _recipient(entry: Entry, catalogue: Catalogue, language: Language) -> str:
    known = catalogue.recipients.get(entry.recipient or "")
    if known is None:
        return entry.recipient or entry.client_id or say(language, "Somebody")
    return name_in(language, known.text, catalogue)


def _details(entry: Entry, catalogue: Catalogue, language: Language) -> str:
    if not entry.data_categories:
        return say(language, "your data")
    names = [
        name_in(language, catalogue.data_categories[key].text, catalogue)
        if key in catalogue.data_categories
        else key
        for key in entry.data_categories
    ]
    listed = say(language, "; ").join(names)
    return say(language, "your data (%(categories)s)", categories=listed)


def _purpose_by_channel(entry: Entry, catalogue: Catalogue, language: Language) -> str:
    channel = None if entry.channel is None else Channel(entry.channel)
    return by_channel(_purpose(entry, catalogue, language), channel, language)


def by_channel(purpose: str, channel: Channel | None, language: Language) -> str:
    """A purpose with how it reaches people."""
    words = {
        Channel.EMAIL: say(language, "%(purpose)s by e-mail", purpose=purpose),
        Channel.SMS: say(language, "%(purpose)s by text message", purpose=purpose),
        Channel.PHONE: say(language, "%(purpose)s by phone", purpose=purpose),
        Channel.PUSH: say(language, "%(purpose)s by app notification", purpose=purpose),
        Channel.POST: say(language, "%(purpose)s by post", purpose=purpose),
        Channel.MESSENGER: say(language, "%(purpose)s by messenger", purpose=purpose),
        Channel.ONSITE: say(language, "%(purpose)s on our pages", purpose=purpose),
    }
    return purpose if channel is None else words[channel]


def _purpose(entry: Entry, catalogue: Catalogue, language: Language) -> str:
    if entry.purpose is None:
        return say(language, "a purpose that we do not have")
    purpose = catalogue.purposes.get(entry.purpose)
    if purpose is None:
        return say(language, "“%(title)s”", title=entry.purpose)
    text = purpose.text.get(language.code) or purpose.text[catalogue.languages[0]]
    return say(language, "“%(title)s”", title=text.title)
