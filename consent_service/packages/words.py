"""The keys of a package in the words of a language, for its page. A key without words is shown as
it is."""

from collections.abc import Mapping

from babel.dates import format_date, format_time

from consent_service.catalogue.model import Channel
from consent_service.disclosures.texts import by_channel
from consent_service.kernel.clock import parse_rfc3339
from consent_service.packages import key_words
from consent_service.privacy_requests.letters import in_words
from consent_service.privacy_requests.model import RequestKind
from consent_service.web.texts import Language, say


class Words:
    """What a template calls, in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._said: Mapping[str, Mapping[str, str]] = key_words.said_in(language)

    def of(self, kind: str, key: str | None) -> str:
        """A key of a kind in words."""
        return self._said[kind].get(key or "", key or "")

    def moment(self, instant: str | None) -> str:
        """An instant, with its zone."""
        if instant is None:
            return ""
        at, locale = parse_rfc3339(instant), self.language.locale
        return f"{format_date(at, locale=locale)}, {format_time(at, 'short', locale=locale)} UTC"

    def purpose(self, title: str, channel: str | None) -> str:
        """A purpose with how it reaches people."""
        quoted = say(self.language, "“%(title)s”", title=title)
        return by_channel(quoted, None if channel is None else Channel(channel), self.language)

    def request(self, kind: str) -> str:
        """What was asked for."""
        return in_words(RequestKind(kind), self.language)

    def place(self, code: str | None) -> str:
        """A country by its name; a part of one with its code."""
        country, _, part = (code or "").partition("-")
        name = str(self.language.locale.territories.get(country, country))
        return f"{name} ({part})" if part else name

    def tongue(self, code: str | None) -> str:
        """A language by its name."""
        base = (code or "").partition("-")[0]
        return str(self.language.locale.languages.get(base, base))
