"""The one place where a domain error becomes HTTP: RFC 9457 problem details.

A problem has `type,title,status,detail,instance` and `code, request_id, errors`. It says what
to do, and never repeats what was sent.
"""

from typing import Any

import structlog
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, UnsupportedMediaType

from consent_service.kernel import errors
from consent_service.kernel.errors import DomainError, FieldError, MisconfiguredError

log = structlog.get_logger("consent.web")

REQUEST_ID = "consent.request_id"  # in a request's environment
MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[DomainError], int], ...] = (
    (errors.NotFound, 404),
    (errors.Malformed, 400),
    (errors.Invalid, 422),
    (errors.Conflict, 409),
    (errors.Gone, 410),
    (errors.PreconditionFailed, 412),
    (errors.PreconditionRequired, 428),
    (errors.Forbidden, 403),
    (errors.TooMany, 429),
    (errors.Unavailable, 503),
)
TITLES = {
    400: "Malformed request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    410: "Gone",
    412: "Precondition failed",
    413: "Too large",
    414: "Address too long",
    415: "Unsupported media type",
    422: "Invalid fields",
    428: "Precondition required",
    429: "Too many requests",
    431: "Headers too large",
    500: "Internal error",
    503: "Unavailable",
}
HTTP_CODES = {
    400: (errors.Malformed.code, errors.Malformed.detail),
    404: ("not_found", errors.NotFound.detail),
    405: ("method_not_allowed", "This resource does not know that method."),
    406: ("not_acceptable", "This resource has no such form."),
    413: ("too_large", "The body is larger than this resource takes."),
    415: ("unsupported_media_type", "Send a media type that this resource takes, not compressed."),
    429: (errors.TooMany.code, errors.TooMany.detail),
}


class OtherMediaType(UnsupportedMediaType):
    """A body that is missing, compressed, or of none of the types that the resource takes."""

    def __init__(self, *taken: str) -> None:
        self.text = f"Send a body of {' or '.join(taken)}, not compressed."
        super().__init__(self.text)


def status_of(error: DomainError) -> int:
    """The HTTP status of a domain error."""
    return status_of_kind(type(error))


def status_of_kind(kind: type[DomainError]) -> int:
    """The HTTP status of a kind of domain error."""
    return next((status for base, status in _STATUS if issubclass(kind, base)), 500)


def problem(
    status: int,
    code: str,
    detail: str,
    field_errors: tuple[FieldError, ...] = (),
    extra: dict[str, str] | None = None,
) -> Response:
    """A problem response."""
    request_id = request.environ.get(REQUEST_ID, "")
    body: dict[str, Any] = {
        "type": f"urn:consent:problem:{code}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "instance": f"urn:consent:request:{request_id}",
        "code": code,
        "request_id": request_id,
        "errors": [
            {"pointer": e.pointer, "code": e.code, "detail": e.detail} for e in field_errors
        ],
        **(extra or {}),
    }
    response = jsonify(body)
    response.status_code = status
    response.mimetype = MEDIA_TYPE
    return response


def from_domain(error: DomainError) -> Response:
    """The problem a domain error makes."""
    status = status_of(error)
    response = problem(status, error.code, error.text, error.errors, error.extra)
    if isinstance(error, errors.TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    if status == 503:
        response.headers["Retry-After"] = "1"
        log.warning("store:request:unavailable", cause=type(error.__cause__).__name__)
    return response


def from_http(error: HTTPException) -> Response:
    """The problem a framework error makes; its own text may echo input and is dropped."""
    status = error.code or 500
    code, detail = HTTP_CODES.get(status, ("error", TITLES.get(status, "Error") + "."))
    if isinstance(error, OtherMediaType):
        detail = error.text
    response = problem(status, code, detail)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after", "www-authenticate"):
            response.headers[name] = value
    return response


def from_misconfigured(error: MisconfiguredError) -> Response:
    """503: the keys do not fit the data, say. The log says which, by ids; the caller is told to
    take it as a deny."""
    log.error("web:request:misconfigured", fault=str(error))
    return problem(503, "misconfigured", "The service is not set up right and cannot answer.")


def from_unknown(error: Exception) -> Response:
    """500 with fixed text. The log gets the type and where, never the message: it may hold
    values."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else ""
    log.error("web:request:failed", error=type(error).__name__, where=where)
    return problem(500, "internal_error", "Something failed here. It has been noted.")


def init_app(app: Flask) -> None:
    """Registers the handlers."""
    app.register_error_handler(DomainError, from_domain)
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(MisconfiguredError, from_misconfigured)
    app.register_error_handler(Exception, from_unknown)
