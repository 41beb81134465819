"""What the page that asks a customer says, a module a language. A scope is told by what it lets
an app do, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """The page in one language. The app's name stands between the two parts of the question;
    `{days}` in `how_long` is a number."""

    title: str
    question_before: str
    question_after: str
    may: str
    scopes: Mapping[str, str]
    about_you: str
    how_long: str
    leads_to: str
    allow: str
    refuse: str
    refused_title: str
    refused: str


def texts_for(code: str) -> Texts:
    """The texts of a language; English for one that has none."""
    from consent_service.oauth.texts import ar, en, ru, zh_hans  # noqa: PLC0415  # they need Texts

    languages = {"en": en.TEXTS, "ru": ru.TEXTS, "zh-Hans": zh_hans.TEXTS, "ar": ar.TEXTS}
    return languages.get(code, en.TEXTS)
