"""What `app.py` does to have this room's pages."""

from flask import Flask

from consent_service.accounts import demo, routes, signed_in, staff_routes
from consent_service.accounts.jobs import brand
from consent_service.config import Environment, Settings
from consent_service.web import pages

SIGNED_IN_CUSTOMER = "consent.signed_in_customer"
SIGN_IN_PATH = "consent.sign_in_path"


def init_app(app: Flask, settings: Settings, home: str) -> None:
    """Registers the pages, and tells lower rooms who is signed in and where one signs in. A
    customer who has is led to `home`. The demo's own pages exist in the demo alone."""
    app.extensions[signed_in.HOME] = home
    pages.init_app(app, brand)
    app.extensions[SIGNED_IN_CUSTOMER] = signed_in.customer
    app.extensions[SIGN_IN_PATH] = signed_in.sign_in_path
    app.register_blueprint(routes.pages)
    app.register_blueprint(staff_routes.pages)
    if settings.environment is Environment.DEMO:
        demo.init_app(app, settings)
