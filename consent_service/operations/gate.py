"""A store that was put back answers nothing until what happened since is replayed."""

import time

from flask import Flask, request

from consent_service.kernel.errors import Unavailable
from consent_service.operations import store
from consent_service.operations.model import NotReplayed
from consent_service.storage.unit_of_work import reading

_LOOK_AGAIN_S = 5.0
_ALWAYS = frozenset({"/healthz", "/readyz"})  # the second says it by itself


def check_replayed() -> None:
    """Raises: NotReplayed, Unavailable."""
    with reading() as tx:
        if store.list_open(tx):
            raise NotReplayed()


def init_app(app: Flask) -> None:
    """Has the gate looked at before anything is done for a request."""
    gate = Gate()

    def look() -> None:
        if gate.is_due() and request.path not in _ALWAYS:
            gate.check()

    app.before_request(look)


class Gate:
    """Of one process. It looks again every five seconds: stores are put back under running
    processes too, by other tools than ours."""

    def __init__(self) -> None:
        self._look_at = 0.0

    def is_due(self) -> bool:
        """Whether it is time to look."""
        return time.monotonic() >= self._look_at

    def check(self) -> None:
        """Raises: NotReplayed. A store that is away is for whoever needs it to say."""
        if not self.is_due():
            return
        try:
            check_replayed()
        except NotReplayed:
            raise
        except Unavailable:
            return
        self._look_at = time.monotonic() + _LOOK_AGAIN_S
