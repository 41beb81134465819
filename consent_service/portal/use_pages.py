"""How my data was used: who asked, who used it, what was answered."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from babel.dates import format_date
from babel.numbers import format_decimal
from flask import Response, request
from msgspec.structs import replace

from consent_service.accounts import signed_in
from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue
from consent_service.customers import service as customers
from consent_service.decisions import service as decisions
from consent_service.decisions.model import Outcome
from consent_service.decisions.statements import sign_statement
from consent_service.disclosures import about
from consent_service.disclosures.model import KINDS
from consent_service.disclosures.texts import name_in, text_of
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import time_of
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryFilter, EntryKind
from consent_service.portal import chart, choices, words
from consent_service.portal.navigation import USE
from consent_service.web.pages import Pages, language, render
from consent_service.web.runtime import keys, now, runtime
from consent_service.web.texts import say

pages = Pages("portal_use", __name__)

_PER_PAGE = 20
_DAY = timedelta(days=1)


@pages.get(USE)
@signed_in.require_customer
def show_use() -> Response:
    """A page of what happened, the newest first, and what the months came to."""
    asked, errors = _asked()
    wanted = _filter(asked)
    cursor = request.args.get("cursor") or None
    found = about.list_newest(wanted, cursor, _PER_PAGE)
    spoken, catalogue = language(), catalogues.current()
    return render(
        "portal/use.html",
        422 if errors else 200,
        errors=errors,
        asked=asked,
        filtered=any(asked.values()),
        cursor=cursor,
        items=[_in_words(entry) for entry in found.items],
        older=None if found.next_cursor is None else _address(asked, found.next_cursor),
        purposes=[
            (key, words.purpose_text(purpose, catalogue, spoken).title)
            for key, purpose in catalogue.purposes.items()
        ],
        recipients=_names(catalogue),
        **({} if cursor else _chart(wanted)),
    )


@pages.get(f"{USE}/<entry>/statement")
@signed_in.require_customer
def download_statement(entry: str) -> Response:
    """What was answered to a check, signed."""
    found = _own_entry(entry)
    told = decisions.get_entry(found.place, found.id, found.client_id or "", keys())
    signed = sign_statement(found.place, found.id, told, runtime().settings.base_url, keys())
    response = Response(signed, mimetype="application/jose")
    response.headers["Content-Disposition"] = f"attachment; filename=answer-{entry[-12:]}.jws"
    return response


def _own_entry(text: str) -> Entry:
    try:
        found = ledger.find_entry(signed_in.get_customer(), UUID(hex=text))
    except ValueError:
        found = None
    if found is None:
        raise NotFound()
    return found


def _asked() -> tuple[dict[str, str], dict[str, str]]:
    """The filter as it was filled in, and what is wrong with it."""
    catalogue = catalogues.current()
    known = {
        "purpose": catalogue.purposes.keys(),
        "recipient": catalogue.recipients.keys(),
        "outcome": set(Outcome),
        "kind": {kind.value for kind in KINDS},
    }
    asked = {name: request.args.get(name, "") for name in ("from", "to", *known)}
    asked |= {name: "" for name, values in known.items() if asked[name] not in values}
    text = say(language(), "Write a day as year, month and day, such as 2026-03-31.")
    errors = {name: text for name in ("from", "to") if asked[name] and _day(asked[name]) is None}
    return asked, errors


def _filter(asked: dict[str, str]) -> EntryFilter:
    to = _day(asked["to"])
    return EntryFilter(
        customers.resolve(signed_in.get_customer()),
        frozenset(KINDS if not asked["kind"] else (EntryKind(asked["kind"]),)),
        asked["purpose"] or None,
        asked["recipient"] or None,
        asked["outcome"] or None,
        None,
        _day(asked["from"]),
        None if to is None else to + _DAY,
    )


def _day(text: str) -> datetime | None:
    try:
        found = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if 1971 <= found.year <= 9000 else None


def _address(asked: dict[str, str], cursor: str) -> dict[str, str]:
    return {name: value for name, value in {**asked, "cursor": cursor}.items() if value}


def _chart(wanted: EntryFilter) -> dict[str, Any]:
    spoken, first = language(), chart.since(now())
    mirrored = spoken.direction == "rtl"
    within = replace(wanted, from_=max(first, wanted.from_ or first))
    found = chart.months(first, ledger.count_by_month(within))
    return {
        "chart": chart,
        "months": found,
        "bars": chart.bars(found, mirrored=mirrored),
        "labels": [
            (chart.place(at, mirrored=mirrored), _month(month.begins, "MMM"))
            for at, month in enumerate(found)
            if at % 3 == 2
        ],
        "month_name": lambda begins: _month(begins, "LLLL y"),
        "number": lambda count: format_decimal(count, locale=spoken.locale),
        "total_yes": sum(month.yes for month in found),
        "total_no": sum(month.no for month in found),
    }


def _month(begins: datetime, form: str) -> str:
    return format_date(begins, form, locale=language().locale)


def _names(catalogue: Catalogue) -> list[tuple[str, str]]:
    found = catalogue.recipients.items()
    return [(key, name_in(language(), each.text, catalogue)) for key, each in found]


def _in_words(entry: Entry) -> dict[str, object]:
    version = entry.catalogue_version
    catalogue = catalogues.current() if version is None else catalogues.by_version(version)
    spoken, cited = language(), about.find_cited(entry)
    audience = entry.id if entry.kind is EntryKind.SCREENING else cited
    return {
        "entry": entry,
        "audience": None if audience is None else choices.reference(audience),
        "chosen_at": None if cited is None else time_of(cited),
        "text": text_of(entry, catalogue, spoken),
        "why": words.reason(entry.reason or "", spoken),
        "yes": entry.outcome == Outcome.PERMIT,
        "breach": entry.kind is EntryKind.DISCLOSURE and entry.outcome != Outcome.PERMIT,
        "signed": entry.kind is EntryKind.DECISION,
        "where": words.touchpoint(entry.touchpoint, catalogue, spoken),
    }
