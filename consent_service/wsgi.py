"""What a WSGI server is pointed at: `consent_service.wsgi:application`, a factory."""

from flask import Flask

from consent_service import logs
from consent_service.app import create_app
from consent_service.config import load_settings


def application() -> Flask:
    """The application, set up from the environment. Raises: MisconfiguredError."""
    logs.configure()
    return create_app(load_settings())
