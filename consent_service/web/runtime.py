"""What the running app carries for its routes: settings, clock, keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, current_app, g

from consent_service.config import Settings
from consent_service.crypto.keyring import Keyring, LiveKeyring
from consent_service.kernel.clock import Clock

_NAME = "consent"


@dataclass(frozen=True, slots=True)
class Runtime:
    """Handed to the app by `create_app`."""

    settings: Settings
    clock: Clock
    keyring: LiveKeyring


def runtime() -> Runtime:
    """The running app's."""
    found = this_app().extensions[_NAME]
    assert isinstance(found, Runtime)
    return found


def this_app() -> Flask:
    """The running app itself: to go through its proxy each time is a twentieth of a check."""
    found: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy's
    return found


def this_request() -> Any:
    """What is kept for the request under way: `flask.g` past its proxy."""
    return g._get_current_object()


def install(extensions: dict[str, object], value: Runtime) -> None:
    """Puts the runtime where `runtime` finds it."""
    extensions[_NAME] = value


def now() -> datetime:
    """The present instant by the app's clock."""
    return runtime().clock()


def keys() -> Keyring:
    """The keyring as it is now."""
    return runtime().keyring.current()
