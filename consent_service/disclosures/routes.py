"""The disclosures API: a list over the log."""

from collections.abc import Callable, Iterator
from threading import BoundedSemaphore
from typing import Any
from uuid import UUID

import msgspec
import structlog
from flask import Response, request, stream_with_context
from msgspec.structs import replace
from werkzeug.exceptions import NotAcceptable

from consent_service.catalogue import service as catalogues
from consent_service.customers import service as customers
from consent_service.disclosures import about, formats, service, sources
from consent_service.disclosures.model import KINDS, Item, Use, item_of, items_of
from consent_service.disclosures.schemas import (
    DisclosureList,
    DisclosuresQuery,
    OwnDisclosureList,
    OwnQuery,
    SourceList,
    UseBody,
    UseReply,
)
from consent_service.disclosures.texts import text_of
from consent_service.kernel.errors import DomainError, TooMany
from consent_service.kernel.ids import CustomerId, decode, encode, parse_customer_id
from consent_service.kernel.paging import MAX_PAGE
from consent_service.ledger import proofs
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryFilter, EntryKind
from consent_service.oauth.guard import Customers, caller, require_scope
from consent_service.web.api import Reply, Routes
from consent_service.web.idempotency import idempotent
from consent_service.web.pages import language_asked_for
from consent_service.web.runtime import keys, now
from consent_service.web.texts import Language

api = Routes("disclosures", "Disclosures: who asked, who used, and why")
log = structlog.get_logger("consent.disclosures")

_JSON, _NDJSON, _CSV = "application/json", "application/x-ndjson", "text/csv"
_PARQUET = "application/vnd.apache.parquet"
_FILES = {  # how each is written, and from how many entries at once
    _NDJSON: (formats.ndjson, 1_000),
    _CSV: (formats.csv_text, 1_000),
    _PARQUET: (formats.parquet, 1_000),
}
_FILE = {"type": "string"}
_WAIT_S = 5
_turn = BoundedSemaphore()  # a slow reader holds a thread of the server's few, and no second one


@api.route("/v1/disclosures", "GET")
@require_scope("disclosures:read")
@api.query(DisclosuresQuery)
@api.reply(200, DisclosureList, "A page of entries; as a file, all of them")
@api.reply(200, _FILE, "A page of entries; as a file, all of them", _NDJSON)
@api.reply(200, _FILE, "A page of entries; as a file, all of them", _CSV)
@api.reply(200, _FILE, "A page of entries; as a file, all of them", _PARQUET)
@api.problem(406)
def list_disclosures(query: dict[str, Any]) -> Reply | Response:
    """Checks, screenings and uses, oldest first, by any filter: as JSON a page, as NDJSON, CSV or
    Parquet all of them from `cursor` on."""
    form = _form_asked_for()
    customer_id = query.get("customer_id")
    wanted = EntryFilter(
        None if customer_id is None else customers.resolve(customer_id),
        _kinds(query.get("kind")),
        query.get("purpose"),
        query.get("recipient"),
        query.get("outcome"),
        query.get("touchpoint"),
        query.get("from_"),
        query.get("to"),
    )
    if form == _JSON:
        page = _page(wanted, query, lambda entry, leaf: _json(entry, leaf, wanted.place))
        return replace(page, headers={"Vary": "Accept"})
    return _file(form, wanted, query.get("cursor"))


@api.route("/v1/disclosures", "POST")
@require_scope("disclosures:write")
@api.body(UseBody)
@api.reply(201, UseReply, "Logged, also where it is a breach")
@api.problem(404)
@api.problem(409)
@idempotent
def record_disclosure(body: dict[str, Any]) -> Reply:
    """Report a use or sharing that happened, with the decision or the screening it rests on: one
    that this client asked for, or that was about one of its recipients."""
    screening, decision = body.pop("screening_id", None), body.pop("decision_id", None)
    use = Use(data_categories=tuple(body.pop("data_categories")), **body)
    if screening is not None:
        cited = decode("scr", screening, 2)[1]
        logged = service.record_audience_use(use, cited, caller(), now(), keys())
    else:
        place, cited = decode("dec", decision, 2)
        logged = service.record_use(use, place, cited, caller(), now(), keys())
    item = item_of(logged, None)
    reply = {name: getattr(item, name) for name in ("id", "outcome", "reason", "recorded_at")}
    return Reply(reply, 201, customer=CustomerId(logged.place) if logged.known else None)


@api.route("/v1/customers/<id:customer_id>/disclosures", "GET")
@require_scope("disclosures:read", customers=Customers.OWN)
@api.query(OwnQuery)
@api.reply(200, OwnDisclosureList, "A page of entries, each in words")
@api.problem(404)
def list_customer_disclosures(query: dict[str, Any], customer_id: str) -> Reply:
    """Who asked about one customer, who used their data; in words of the Accept-Language."""
    found = customers.get_record(parse_customer_id(customer_id)).id
    wanted, language = EntryFilter(found, _kinds(query.get("kind"))), language_asked_for()
    reply = _page(wanted, query, lambda entry, leaf: _in_words(entry, leaf, found, language))
    return replace(reply, headers=_spoken(language))


@api.route("/v1/customers/<id:customer_id>/sources", "GET")
@require_scope("customers:read", customers=Customers.OWN)
@api.reply(200, SourceList, "The sources; their names in the Accept-Language")
@api.problem(404)
def list_sources(customer_id: str) -> Reply:
    """Where what is known of a customer came from: names of fields, no values."""
    language = language_asked_for()
    found = sources.list_sources(parse_customer_id(customer_id), language, keys())
    items = [msgspec.structs.asdict(source) for source in found]
    return Reply({"items": items, "next_cursor": None}, headers=_spoken(language))


def _form_asked_for() -> str:
    """The media type that the answer is to have. Raises: NotAcceptable."""
    if not request.accept_mimetypes:
        return _JSON
    found = request.accept_mimetypes.best_match([_JSON, *_FILES])
    if found is None:
        raise NotAcceptable()
    return found


def _kinds(kind: str | None) -> frozenset[EntryKind]:
    return frozenset(KINDS if kind is None else (EntryKind(kind),))


def _page(
    wanted: EntryFilter, query: dict[str, Any], show: Callable[[Entry, int | None], dict[str, Any]]
) -> Reply:
    listed = ledger.list_entries if wanted.place is None else about.list_about
    page = listed(wanted, query.get("cursor"), query["limit"])
    leaves = proofs.find_indexes(page.items)
    items = [show(entry, leaves.get(entry.id)) for entry in page.items]
    return Reply({"items": items, "next_cursor": page.next_cursor})


def _json(entry: Entry, leaf_index: int | None, customer: UUID | None) -> dict[str, Any]:
    return msgspec.structs.asdict(item_of(entry, leaf_index, customer))


def _spoken(language: Language) -> dict[str, str]:
    return {"Content-Language": language.code, "Vary": "Accept-Language"}


def _in_words(
    entry: Entry, leaf_index: int | None, customer: UUID, language: Language
) -> dict[str, Any]:
    version = entry.catalogue_version
    catalogue = catalogues.current() if version is None else catalogues.by_version(version)
    cited = about.find_cited(entry)
    return {
        **_json(entry, leaf_index, customer),
        "screening_id": None if cited is None else encode("scr", cited, cited),
        "text": text_of(entry, catalogue, language),
    }


def _file(form: str, wanted: EntryFilter, cursor: str | None) -> Response:
    write, at_once = _FILES[form]
    body = _in_turn(write(_portions(wanted, cursor, at_once)))
    next(body)
    return Response(stream_with_context(body), mimetype=form, headers={"Vary": "Accept"})


def _portions(wanted: EntryFilter, cursor: str | None, at_once: int) -> Iterator[list[Item]]:
    if wanted.place is None:
        return map(items_of, ledger.stream_entries(wanted, cursor, at_once))
    return (
        [item_of(entry, leaves.get(entry.id), wanted.place) for entry in entries]
        for entries in about.stream_about(wanted, cursor, min(at_once, MAX_PAGE))
        for leaves in [proofs.find_indexes(entries)]
    )


def _in_turn(body: Iterator[bytes]) -> Iterator[bytes]:
    """First nothing, once it is this file's turn; then the file. What fails on the way can be told
    by the missing end alone, and by the log; the error's cause, which has the statement, stays
    out of the server's own log. Raises: TooMany."""
    if not _turn.acquire(blocking=False):
        raise TooMany(_WAIT_S)
    try:
        yield b""
        yield from body
    except DomainError as error:
        log.warning("disclosures:stream:broken_off", code=error.code)
        raise error from None
    finally:
        _turn.release()
