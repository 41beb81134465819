"""What `app.py` does to have this room's pages."""

from flask import Flask

from consent_service.portal import (
    app_pages,
    choices_pages,
    confirm_pages,
    data_pages,
    effort_pages,
    gpc,
    link_pages,
    public_pages,
    request_pages,
    use_pages,
    widget_pages,
)
from consent_service.portal.navigation import CHOICES, menu
from consent_service.web.pages import MENU, OPTED_OUT

HOME = CHOICES
_ROOMS_PAGES = (
    choices_pages.pages,
    confirm_pages.pages,
    link_pages.pages,
    widget_pages.pages,
    use_pages.pages,
    data_pages.pages,
    effort_pages.pages,
    request_pages.pages,
    app_pages.pages,
    public_pages.pages,
)


def init_app(app: Flask) -> None:
    """Registers the pages, and says where one can go from every page."""
    app.extensions[MENU] = menu
    app.before_request(gpc.honour)
    app.extensions[OPTED_OUT] = gpc.is_sent
    for pages in _ROOMS_PAGES:
        app.register_blueprint(pages)
