"""What a WSGI server is pointed at: `consent_service.wsgi:application`, a factory."""

import gc

from flask import Flask

from consent_service import logs
from consent_service.app import create_app
from consent_service.config import Settings, load_settings

_MADE_BEFORE_WALK = 20_000  # objects, of which a batch of a thousand answers makes as many


def application(settings: Settings | None = None) -> Flask:
    """The application, set up from the environment unless told. It may be made before processes
    are forked, which then share it: no connection is open, no thread runs.

    Raises: MisconfiguredError when it must not start like this.
    """
    logs.configure()
    made = create_app(settings or load_settings())
    gc.freeze()  # it lives as long as the process; to walk it took a fifth of every large batch
    gc.set_threshold(_MADE_BEFORE_WALK)
    return made
