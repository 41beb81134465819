"""The languages of the pages and mails, and their texts. English is what the code says; the
others are in `translations/`, read when first asked for."""

import gettext as standard
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent / "translations"


@dataclass(frozen=True, slots=True)
class Language:
    """A language by its BCP 47 code, its own name, and the direction it is written in."""

    code: str
    name: str
    direction: str = "ltr"

    @property
    def locale(self) -> Locale:
        """For dates and numbers."""
        return _locale(self.code)


@lru_cache
def _locale(code: str) -> Locale:
    return Locale.parse(code, sep="-")


ENGLISH = Language("en", "English")
LANGUAGES: Mapping[str, Language] = {
    language.code: language
    for language in (
        ENGLISH,
        Language("ru", "Русский"),
        Language("zh-Hans", "简体中文"),
        Language("ar", "العربية", "rtl"),
    )
}


def language_for(code: str | None) -> Language | None:
    """The language of ours that a BCP 47 code asks for: `zh-CN` is `zh-Hans`, `ar-EG` is `ar`."""
    if not code:
        return None
    parts = code.replace("_", "-").lower().split("-")
    if parts[0] == "zh":
        return None if {"hant", "tw", "hk", "mo"} & set(parts) else LANGUAGES["zh-Hans"]
    return LANGUAGES.get(parts[0])


def say(language: Language, text: str, **values: object) -> str:
    """A text in a language, with `%(name)s` filled in."""
    said = translations(language.code).gettext(text)
    return said % values if values else said


@lru_cache(maxsize=len(LANGUAGES))
def translations(code: str) -> standard.NullTranslations:
    """A language's texts."""
    if code == ENGLISH.code:
        return standard.NullTranslations()
    with (FOLDER / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code.replace("-", "_"))
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return standard.GNUTranslations(compiled)
