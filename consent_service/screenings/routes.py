"""The screenings API: ask about a whole audience before you use it."""

import io
import shutil
from collections.abc import Iterator
from typing import Any

from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from consent_service.catalogue.model import Channel
from consent_service.crypto.spool import Spool
from consent_service.decisions.model import Question
from consent_service.kernel.ids import decode
from consent_service.oauth.guard import caller, require_scope
from consent_service.screenings import service
from consent_service.screenings.model import Column, FormKind, Request
from consent_service.screenings.schemas import ScreeningQuery, ScreeningReply
from consent_service.web.api import MEBIBYTE, Reply, Routes
from consent_service.web.runtime import keys, now

api = Routes("screenings", "Screenings: may this data be used for a whole audience, now?")

_LARGEST = 4096 * MEBIBYTE
_PIECE = 1 << 18
_ROWS = {"type": "string"}
_CONTEXT = ("campaign", "touchpoint", "lifecycle_stage")
_PERMITTED = "The permitted rows, as they came, and the summary after them"


@api.route("/v1/screenings", "POST", max_body=_LARGEST)
@require_scope("decisions:check")
@api.query(ScreeningQuery)
@api.document(
    requestBody={
        "required": True,
        "description": "A row for each person, who stands in a column (or member) named "
        + ", ".join(f"`{column}`" for column in Column)
        + ". A line of NDJSON may also be a customer id as a string. Other columns come back as "
        "they are.",
        "content": {kind.value: {"schema": _ROWS} for kind in FormKind},
    }
)
@api.reply(200, _ROWS, _PERMITTED, FormKind.NDJSON)
@api.reply(200, _ROWS, _PERMITTED, FormKind.CSV)
@api.reply(200, _ROWS, _PERMITTED, FormKind.PARQUET)
@api.problem(415)
def screen_audience(query: dict[str, Any]) -> Response:
    """Ask about a whole audience. What comes back are the rows of those who may be used, byte for
    byte and in their order, then how many were answered how: as the last line of NDJSON, as a
    last line that begins with `#` of CSV, in the footer of Parquet. The screening is one entry of
    the log, written before the first row leaves."""
    asked = _request(query)
    with Spool() as received:
        shutil.copyfileobj(request.stream, received, _PIECE)
        received.seek(0)
        source = io.BufferedReader(received, _PIECE)
        summary, permitted = service.screen(source, asked, caller().client_id, now(), keys())
    return Response(
        _pieces(permitted),
        mimetype=asked.form.value,
        headers={"Location": f"/v1/screenings/{summary.screening_id}"},
    )


@api.route("/v1/screenings/<id:screening_id>", "GET")
@require_scope("decisions:check")
@api.reply(200, ScreeningReply, "What came of it")
@api.problem(404)
def show_screening(screening_id: str) -> Reply:
    """What came of a screening that this client asked for."""
    found = decode("scr", screening_id, 2)[1]
    return Reply(service.get_summary(found, caller().client_id))


def _request(query: dict[str, Any]) -> Request:
    """Raises: UnsupportedMediaType."""
    try:
        form = FormKind(request.mimetype)
    except ValueError:
        raise UnsupportedMediaType() from None
    channel, categories, column = (query.get(n) for n in ("channel", "data_categories", "column"))
    who = caller()
    question = Question(
        query["purpose"],
        None if channel is None else Channel(channel),
        None if categories is None else tuple(categories.split(",")),
        who.recipient_for(query.get("recipient")),
    )
    context = {name: query[name] for name in _CONTEXT if name in query}
    return Request(question, context, form, None if column is None else Column(column))


def _pieces(permitted: Spool) -> Iterator[bytes]:
    with permitted:
        while piece := permitted.read(_PIECE):
            yield piece
