"""The catalogue over HTTP."""

from typing import Any, cast

from flask import current_app, request

from consent_service.catalogue import service
from consent_service.catalogue.model import NoticeVersion
from consent_service.catalogue.positions import MAX_BYTES
from consent_service.catalogue.schemas import (
    CatalogueDocument,
    CatalogueReply,
    LoadQuery,
    LoadReply,
    NoticeReply,
    Purpose,
    PurposesReply,
)
from consent_service.catalogue.versions import Outcome
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import NotFound
from consent_service.oauth.guard import Customers, caller, require_scope
from consent_service.web.api import Reply, Routes
from consent_service.web.idempotency import idempotent
from consent_service.web.problems import OtherMediaType
from consent_service.web.runtime import now
from consent_service.web.strict_json import read_json

api = Routes("catalogue", "What data is used for: purposes, notices and their rules")

COUNT_TO_ASK_AGAIN = "consent.count_to_ask_again"

_JSON = "application/json"
_YAML = ("application/yaml", "text/yaml")


@api.route("/v1/catalogue", "GET")
@require_scope("catalogue:read", customers=Customers.OPEN)
@api.reply(200, CatalogueReply, "The catalogue in force; its version is the ETag")
def show_catalogue() -> Reply:
    """The whole catalogue."""
    loaded = service.get_current()
    catalogue = loaded.catalogue
    body = {
        "version": catalogue.version,
        "recorded_from": rfc3339(catalogue.recorded_from),
        "document": loaded.document,
    }
    return Reply(body, headers=_etag(catalogue.version))


@api.route("/v1/catalogue", "PUT", max_body=MAX_BYTES)
@require_scope("catalogue:write")
@api.query(LoadQuery)
@api.document(
    requestBody={
        "required": True,
        "content": {media_type: {"schema": CatalogueDocument} for media_type in (_JSON, *_YAML)},
    }
)
@api.reply(200, LoadReply, "What it changed, or with dry_run would change")
@api.problem(409)
@api.problem(415)
@idempotent
def load_catalogue(query: dict[str, Any]) -> Reply:
    """Load the whole catalogue. Each fault is named with its line."""
    text = _document_text()
    if query["dry_run"]:
        outcome = service.preview_catalogue(text, now(), _count_to_ask_again())
    else:
        outcome = service.load_catalogue(text, caller().actor, now(), _count_to_ask_again())
    return Reply(_outcome_body(outcome))


@api.route("/v1/purposes", "GET")
@require_scope("catalogue:read", customers=Customers.OPEN)
@api.reply(200, PurposesReply, "Every purpose")
def list_purposes() -> Reply:
    """The purposes, in the order of the catalogue."""
    loaded = service.get_current()
    body = {"items": loaded.document["purposes"], "next_cursor": None}
    return Reply(body, headers=_etag(loaded.catalogue.version))


@api.route("/v1/purposes/<string:key>", "GET")
@require_scope("catalogue:read", customers=Customers.OPEN)
@api.reply(200, Purpose, "The purpose")
@api.problem(404)
def show_purpose(key: str) -> Reply:
    """One purpose."""
    loaded = service.get_current()
    for purpose in loaded.document["purposes"]:
        if purpose["key"] == key:
            return Reply(purpose, headers=_etag(loaded.catalogue.version))
    raise NotFound()


@api.route("/v1/notices/<string:key>/<string:version>", "GET")
@require_scope("catalogue:read", customers=Customers.OPEN)
@api.reply(200, NoticeReply, "The notice version, which never changes")
@api.problem(404)
def show_notice(key: str, version: str) -> Reply:
    """One notice version, with the hash of each text."""
    catalogue = service.current()
    found = catalogue.find_notice(key, version) if key in catalogue.notices else None
    if found is None:
        raise NotFound()
    return Reply(_notice_body(found), headers=_etag(catalogue.version))


def _document_text() -> bytes:
    if request.mimetype not in (_JSON, *_YAML) or request.content_encoding:
        raise OtherMediaType(_JSON, *_YAML)
    if request.mimetype == _JSON:
        read_json(request)  # for its refusals alone; the document is read with its lines
    return request.get_data()


def _count_to_ask_again() -> service.CountToAskAgain:
    """The count that `create_app` hands over: consents are of a higher room."""
    return cast(service.CountToAskAgain, current_app.extensions[COUNT_TO_ASK_AGAIN])


def _etag(version: int) -> dict[str, str]:
    return {"ETag": f'"{version}"'}


def _outcome_body(outcome: Outcome) -> dict[str, Any]:
    return {
        "version": outcome.version,
        "changed": outcome.changed,
        "difference": [
            {"pointer": found.pointer, "change": found.change.value} for found in outcome.difference
        ],
        "customers_to_ask_again": outcome.customers_to_ask_again,
    }


def _notice_body(notice: NoticeVersion) -> dict[str, Any]:
    return {
        "key": notice.key,
        "version": notice.version,
        "change": notice.change.value,
        "in_use_from": rfc3339(notice.in_use_from),
        "text": dict(notice.text),
        "sha256": {language: notice.sha256(language) for language in notice.text},
    }
