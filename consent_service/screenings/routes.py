"""The screenings API: ask about a whole audience before you use it."""

import json
import shutil
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response, request
from werkzeug.exceptions import BadRequest

from consent_service.catalogue.model import Channel
from consent_service.crypto.spool import Spool
from consent_service.decisions.model import Question
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import decode, encode
from consent_service.oauth.guard import caller, require_scope
from consent_service.screenings import jobs, service
from consent_service.screenings.model import Column, FormKind, Job, Request
from consent_service.screenings.schemas import JobReply, ScreeningQuery, ScreeningReply
from consent_service.web.api import MEBIBYTE, Reply, Routes
from consent_service.web.problems import OtherMediaType
from consent_service.web.runtime import keys, now

api = Routes("screenings", "Screenings: may this data be used for a whole audience, now?")

_LARGEST = 4096 * MEBIBYTE
_PIECE = 1 << 18
_ROWS = {"type": "string"}
_CONTEXT = ("campaign", "touchpoint", "lifecycle_stage")
_PERMITTED = "The permitted rows, as they came, and the summary after them"
_ASYNC = "respond-async"
_PREFER = {
    "in": "header",
    "name": "Prefer",
    "description": f"`{_ASYNC}`: keep the audience, answer with a job, and look at it later",
    "schema": {"type": "string"},
}


@api.route("/v1/screenings", "POST", max_body=_LARGEST, parameters=[_PREFER])
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
@api.reply(202, JobReply, "With `Prefer: respond-async`: the job, which is also at `Location`")
@api.problem(415)
def screen_audience(query: dict[str, Any]) -> Response | Reply:
    """Ask about a whole audience. What comes back are the rows of those who may be used, byte for
    byte and in their order, then how many were answered how: as the last line of NDJSON, as a
    last line that begins with `#` of CSV, in the footer of Parquet. The screening is one entry of
    the log, written before the first row leaves."""
    asked = _request(query)
    if _prefers_async():
        return _answer_later(asked)
    with Spool() as received:
        _receive(received)
        summary, permitted = service.screen(received, asked, caller().client_id, now(), keys())
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
    return Reply(service.get_summary(_screening(screening_id), caller().client_id))


@api.route("/v1/screenings/<id:screening_id>/rows", "GET")
@require_scope("decisions:check")
@api.reply(200, _ROWS, _PERMITTED, FormKind.NDJSON)
@api.reply(200, _ROWS, _PERMITTED, FormKind.CSV)
@api.reply(200, _ROWS, _PERMITTED, FormKind.PARQUET)
@api.problem(404)
def send_rows(screening_id: str) -> Response:
    """The permitted rows of a screening that was answered later, in the form the audience had: as
    often as wanted, for 24 hours."""
    form, rows = jobs.open_rows(_screening(screening_id), caller().client_id, now(), keys())
    return Response(_pieces(rows), mimetype=form.value)


@api.route("/v1/jobs/<id:job_id>", "GET")
@require_scope("decisions:check")
@api.reply(200, JobReply, "How far it is")
@api.problem(404)
def show_job(job_id: str) -> Reply:
    """How far a screening is that this client asked for with `Prefer: respond-async`."""
    return Reply(_told(jobs.get_job(decode("job", job_id)[0], caller().client_id, now())))


def _receive(received: Spool) -> None:
    """Takes the body. Raises: BadRequest when the client went away before its end: half of an
    audience is not what was asked about."""
    shutil.copyfileobj(request.stream, received, _PIECE)
    if request.content_length not in (None, received.size):
        raise BadRequest()


def _prefers_async() -> bool:
    """Source: RFC 7240, section 4.1."""
    said = request.headers.get("Prefer", "").split(",")
    return _ASYNC in [one.partition(";")[0].strip().lower() for one in said]


def _answer_later(asked: Request) -> Reply:
    client_id = caller().client_id
    jobs.check_admits(asked, client_id)
    with Spool() as received:
        _receive(received)
        told = _told(jobs.ask_later(received, asked, client_id, now(), keys()))
    location = f"/v1/jobs/{told['id']}"
    return Reply(told, 202, {"Location": location, "Preference-Applied": _ASYNC})


def _told(job: Job) -> dict[str, Any]:
    ended, made = job.finished_at, job.screening_id
    screening_id = None if made is None else encode("scr", made, made)
    return {
        "id": encode("job", job.id),
        "kind": "screening",
        "state": job.state.value,
        "created_at": rfc3339(job.created_at),
        "finished_at": None if ended is None else rfc3339(ended),
        "rows": job.rows,
        "screening_id": screening_id,
        "result_url": None if screening_id is None else f"/v1/screenings/{screening_id}/rows",
        "problem": None if job.problem is None else json.loads(job.problem),
    }


def _screening(screening_id: str) -> UUID:
    return decode("scr", screening_id, 2)[1]


def _request(query: dict[str, Any]) -> Request:
    """Raises: OtherMediaType."""
    try:
        form = FormKind(request.mimetype)
    except ValueError:
        raise OtherMediaType(*FormKind) from None
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
