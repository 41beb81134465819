"""The application, wired: the only file that knows every room."""

from collections.abc import Collection

from flask import Flask

from consent_service import __version__, api_document, health
from consent_service.accounts import wiring as accounts
from consent_service.catalogue import routes as catalogue_routes
from consent_service.catalogue import service as catalogue
from consent_service.config import Settings
from consent_service.consents import routes as consents_routes
from consent_service.consents import service as consents
from consent_service.crypto.keyring import LiveKeyring
from consent_service.customers import routes as customers_routes
from consent_service.customers import service as customers
from consent_service.decisions import routes as decisions_routes
from consent_service.disclosures import log_routes
from consent_service.disclosures import routes as disclosures_routes
from consent_service.effort_scores import routes as effort_scores_routes
from consent_service.erasures import pages as erasures_pages
from consent_service.erasures import routes as erasures_routes
from consent_service.erasures import service as erasures
from consent_service.kernel.clock import Clock, utc_now
from consent_service.oauth import client_routes
from consent_service.oauth import pages as oauth_pages
from consent_service.oauth import recipients as oauth_recipients
from consent_service.oauth import routes as oauth_routes
from consent_service.oauth import server as oauth_server
from consent_service.operations import gate
from consent_service.packages import building as packages_building
from consent_service.packages import routes as packages_routes
from consent_service.packages import service as packages
from consent_service.personal_data import routes as personal_data_routes
from consent_service.personal_data import service as personal_data
from consent_service.portal import gpc_routes, widget_routes
from consent_service.portal import wiring as portal
from consent_service.preference_links import routes as preference_links_routes
from consent_service.privacy_requests import carriers, decision_routes
from consent_service.privacy_requests import pages as privacy_requests_pages
from consent_service.privacy_requests import routes as privacy_requests_routes
from consent_service.privacy_requests.jobs import site as privacy_requests_site
from consent_service.privacy_requests.model import RequestKind
from consent_service.proof_openings import routes as proof_openings_routes
from consent_service.recipients import routes as recipients_routes
from consent_service.recipients import service as recipients
from consent_service.recipients import telling
from consent_service.screenings import routes as screenings_routes
from consent_service.storage import db
from consent_service.suppressions import routes as suppressions_routes
from consent_service.suppressions import service as suppressions
from consent_service.web import api, docs, hardening, problems, runtime, throttling
from consent_service.web.application import Application
from consent_service.webhooks import routes as webhooks_routes

DESCRIPTION = "Ask before you use a person's data: every answer is logged before it is given."

ROUTES = (
    health.api,
    oauth_routes.api,
    client_routes.api,
    catalogue_routes.api,
    customers_routes.api,
    personal_data_routes.api,
    suppressions_routes.api,
    consents_routes.api,
    preference_links_routes.api,
    decisions_routes.api,
    screenings_routes.api,
    disclosures_routes.api,
    log_routes.api,
    privacy_requests_routes.api,
    decision_routes.api,
    packages_routes.api,
    webhooks_routes.api,
    recipients_routes.api,
    erasures_routes.api,
    proof_openings_routes.api,
    effort_scores_routes.api,
    gpc_routes.api,
    widget_routes.api,
)


def create_app(settings: Settings, clock: Clock = utc_now) -> Flask:
    """The WSGI application. Raises: MisconfiguredError when it must not start like this."""
    app = Application("consent_service", static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=16 * api.MEBIBYTE, PROPAGATE_EXCEPTIONS=False, TRAP_HTTP_EXCEPTIONS=False
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider's
    keyring = LiveKeyring(settings.key_provider)
    runtime.install(app.extensions, runtime.Runtime(settings, clock, keyring))
    throttling.install(app.extensions)
    hardening.init_app(app, settings.trusted_proxies)
    gate.init_app(app)
    problems.init_app(app)
    db.init_app(app, settings.database, settings.threads)
    customers.watch_identifiers(suppressions.project)
    app.extensions[catalogue_routes.COUNT_TO_ASK_AGAIN] = consents.count_to_ask_again
    app.extensions[oauth_routes.SERVER] = oauth_server.init_app(app)
    oauth_recipients.hand_in(_known_recipients)
    app.extensions[oauth_pages.LOCK_CUSTOMER] = lambda one: customers.lock_customers([one])
    app.register_blueprint(oauth_pages.pages)
    document = api.make_api(app, DESCRIPTION, __version__)
    for routes in ROUTES:
        document.register_blueprint(routes)
    accounts.init_app(app, settings, portal.HOME)
    app.register_blueprint(privacy_requests_pages.pages)
    app.register_blueprint(erasures_pages.pages)
    carriers.hand_in_recipients(recipients)
    recipients.hand_in(telling.by_webhook)
    carriers.hand_in(
        dict.fromkeys(packages.KINDS, packages.carry),
        {RequestKind.ERASURE: erasures.carrier(privacy_requests_site)},
        {RequestKind.ERASURE: erasures.find_wait},
    )
    packages_building.hand_in(personal_data.export, recipients.list_outstanding)
    portal.init_app(app)
    docs.init_app(app, lambda: api_document.text_of(app))
    return app


def _known_recipients() -> Collection[str] | None:
    try:
        return catalogue.current().recipients
    except catalogue.NoCatalogue:
        return None
