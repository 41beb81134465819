"""What a WSGI server is pointed at: `consent_service.wsgi:application`, a factory."""

import gc

from flask import Flask

from consent_service import logs
from consent_service.app import create_app
from consent_service.config import load_settings


def application() -> Flask:
    """The application, set up from the environment. Raises: MisconfiguredError."""
    logs.configure()
    made = create_app(load_settings())
    gc.freeze()  # it lives as long as the process; to walk it took a fifth of every large batch
    return made
