"""What the running app carries for its routes: settings, clock, keys."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, Request, current_app, g, request

from consent_service.config import Settings
from consent_service.crypto.keyring import Keyring, LiveKeyring
from consent_service.kernel.clock import Clock

_NAME = "consent"

# What stands behind Flask's proxies: an attribute through one takes fifteen times what it takes
# by itself, and a check asked for twenty.
_app: Callable[[], Flask] = current_app._get_current_object  # type: ignore[attr-defined]  # a proxy's
_asked: Callable[[], Request] = request._get_current_object  # type: ignore[attr-defined]  # as above
_kept: Callable[[], Any] = g._get_current_object


@dataclass(frozen=True, slots=True)
class Runtime:
    """Handed to the app by `create_app`."""

    settings: Settings
    clock: Clock
    keyring: LiveKeyring


def runtime() -> Runtime:
    """The running app's."""
    found: Runtime = _app().extensions[_NAME]
    return found


def this_app() -> Flask:
    """The running app itself: `flask.current_app` past its proxy."""
    return _app()


def this_request() -> Request:
    """The request under way: `flask.request` past its proxy."""
    return _asked()


def kept() -> Any:
    """What is kept for the request under way: `flask.g` past its proxy."""
    return _kept()


def install(extensions: dict[str, object], value: Runtime) -> None:
    """Puts the runtime where `runtime` finds it."""
    extensions[_NAME] = value


def now() -> datetime:
    """The present instant by the app's clock."""
    return runtime().clock()


def keys() -> Keyring:
    """The keyring as it is now."""
    return runtime().keyring.current()
