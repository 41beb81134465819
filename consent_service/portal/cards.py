"""A purpose as the pages show it: in words, with what it takes and who gets it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from consent_service.catalogue.model import Catalogue, NoticeVersion, Purpose, PurposeText
from consent_service.decisions.model import Reason
from consent_service.disclosures.texts import name_in
from consent_service.portal import words
from consent_service.portal.model import Ask, Use, changes_of, in_language
from consent_service.web.texts import LANGUAGES, Language


@dataclass(frozen=True, slots=True)
class Change:
    """What is new in a notice since somebody said yes under it; `material` asks again."""

    material: bool
    since: NoticeVersion
    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Card:
    """A purpose. `language` is that of `text`, `notice_language` that of `notice`."""

    purpose: Purpose
    text: PurposeText
    language: Language
    basis: str
    data: Sequence[str]
    sources: Sequence[tuple[str, str]]
    recipients: Sequence[tuple[str, str]]
    kept: str
    holds: str | None
    notice: str
    notice_language: Language
    version: NoticeVersion | None
    uses: Sequence[Use] = ()
    change: Change | None = None

    @property
    def anchor(self) -> str:
        """Where it stands on its page."""
        return self.purpose.key.replace(".", "-")

    @property
    def ask(self) -> Ask:
        """What is asked about it."""
        return self.uses[0].ask

    @property
    def until_no(self) -> bool:
        """Whether the law where they live lets it be used as long as they say no to nothing."""
        return any(use.reason is Reason.NOT_OPTED_OUT for use in self.uses)


def card(
    purpose: Purpose,
    catalogue: Catalogue,
    notice: NoticeVersion | None,
    spoken: Language,
    uses: Sequence[Use] = (),
) -> Card:
    """A purpose in a language."""
    wanted = [spoken.code, *catalogue.languages]
    code = next(code for code in wanted if code in purpose.text)
    read, text = (code, "") if notice is None else in_language(notice.text, wanted)
    lasts = purpose.validity_days
    kinds = [catalogue.data_categories[key] for key in purpose.data_categories]
    sources = [catalogue.data_sources[key] for key in purpose.data_sources]
    recipients = [catalogue.recipients[key] for key in purpose.recipients]
    return Card(
        purpose=purpose,
        text=purpose.text[code],
        language=_language(code),
        basis=words.basis(purpose.legal_basis, spoken),
        data=[name_in(spoken, kind.text, catalogue) for kind in kinds],
        sources=[
            (name_in(spoken, each.text, catalogue), words.party(each.party, spoken))
            for each in sources
        ],
        recipients=[
            (name_in(spoken, each.text, catalogue), words.country(each.country, spoken))
            for each in recipients
        ],
        kept=words.days(purpose.retention_days, spoken),
        holds=None if lasts is None else words.days(lasts, spoken),
        notice=text,
        notice_language=_language(read),
        version=notice,
        uses=uses,
        change=_change(uses, read),
    )


def cards(uses: Iterable[Use], catalogue: Catalogue, spoken: Language) -> list[Card]:
    """Every purpose of these uses, in the order of the catalogue."""
    return [
        card(found[0].purpose, catalogue, found[0].notice, spoken, found)
        for found in (list(group) for _, group in groupby(uses, lambda use: use.purpose.key))
    ]


def _change(uses: Sequence[Use], code: str) -> Change | None:
    """Of channels that differ, since the one that was answered longest ago."""
    seen = [use.seen for use in uses if use.seen is not None]
    if not seen or uses[0].notice is None:
        return None
    oldest = min(seen, key=lambda notice: notice.in_use_from)
    lines = changes_of(oldest.text.get(code, ""), uses[0].notice.text[code])
    return Change(any(use.outdated for use in uses), oldest, lines)


def _language(code: str) -> Language:
    return LANGUAGES.get(code, Language(code, code))
