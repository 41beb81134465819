"""A package as a response, for a route or a page."""

from collections.abc import Generator, Iterator
from threading import BoundedSemaphore

import structlog
from flask import Response, current_app

from consent_service.kernel.actors import Actor
from consent_service.kernel.errors import DomainError, TooMany
from consent_service.packages import service
from consent_service.privacy_requests.model import Request
from consent_service.web.runtime import keys, now, runtime

log = structlog.get_logger("consent.packages")

_WAIT_S = 5
_turns = BoundedSemaphore(2)  # a slow reader holds a thread of the server's few


def respond(asked: Request, actor: Actor) -> Response:
    """The package of a request, for whoever may have it. Raises: NotFound, PackageNotReady,
    PackageBeingFetched, PackageGone, TooMany."""
    if not _turns.acquire(blocking=False):
        raise TooMany(_WAIT_S)
    try:
        fetching = service.begin_fetch(asked, actor, now(), keys())
    except BaseException:
        _turns.release()
        raise
    body = _Body(_in_turn(service.send(fetching, runtime().clock)))
    next(body)  # from here on, closing it gives turn and package free
    response = Response(body, mimetype="application/zip")
    response.content_length = fetching.package.size
    response.headers["Content-Disposition"] = 'attachment; filename="your-data.zip"'
    return response


class _Body:
    """What a server sends, step by step in the app's context, and closes in it: also where it asks
    for nothing at all, as for HEAD."""

    def __init__(self, parts: Generator[bytes, None, None]) -> None:
        self._parts = parts
        self._app = current_app._get_current_object()  # type: ignore[attr-defined]  # the app itself

    def __iter__(self) -> "_Body":
        return self

    def __next__(self) -> bytes:
        with self._app.app_context():
            return next(self._parts)

    def close(self) -> None:
        """Ends it where it is."""
        with self._app.app_context():
            self._parts.close()


def _in_turn(body: Iterator[bytes]) -> Generator[bytes, None, None]:
    """The body, told off in the log where it breaks; the error's cause, which has the statement,
    stays out of the server's own log."""
    try:
        yield from body
    except DomainError as error:
        log.warning("packages:package:broken_off", code=error.code)
        raise error from None
    finally:
        _turns.release()
