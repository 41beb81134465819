"""The demo's own pages: links that sign in as sample people, and a mailbox in place of a mail
server. Never registered in production: `init_app` refuses."""

import hmac
from datetime import datetime

from flask import Flask, Response, request

from consent_service.accounts import jobs, sessions, signed_in, staff
from consent_service.accounts.model import Role, StaffExists, browser_of
from consent_service.config import Environment, Settings
from consent_service.crypto import blind_index
from consent_service.crypto.keyring import Keyring
from consent_service.customers import service as customers
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.errors import MisconfiguredError, NotFound
from consent_service.kernel.ids import CustomerId, customer_id_text, parse_customer_id
from consent_service.mail import service as mail
from consent_service.web import cookies
from consent_service.web.pages import MAILBOX_PATH, Pages, render, see_other
from consent_service.web.runtime import keys, now

MAILBOX = "/demo/mailbox"
_NEWEST = 50


def init_app(app: Flask, settings: Settings) -> None:
    """Registers the demo's pages. Raises: MisconfiguredError outside the demo."""
    if settings.environment is not Environment.DEMO:
        raise MisconfiguredError("the demo's pages are for CONSENT_ENVIRONMENT=demo alone")
    pages = Pages("demo", __name__)
    pages.add_url_rule("/demo/sign-in/<who>/<code>", "sign_in", sign_in_as, methods=["GET"])
    if settings.smtp_host is None:
        app.extensions[MAILBOX_PATH] = MAILBOX
        pages.add_url_rule(MAILBOX, "mailbox", show_mailbox, methods=["GET"])
    app.register_blueprint(pages)


def make_staff(now: datetime, keys: Keyring) -> None:
    """Adds a sample member of staff for each role, unless they are there. They have no password:
    only the demo's links sign them in."""
    for role in Role:
        try:
            staff.create_staff(_staff_name(role), [role], SYSTEM, now, keys)
        except StaffExists:
            continue


def sign_in_links(base_url: str, customer_id: CustomerId, keys: Keyring) -> dict[str, str]:
    """Addresses that sign in as a sample person, as often as one likes, by role: `customer`,
    `officer`, `agent`, `auditor`, `admin`. `make_staff` makes the people."""
    people = {"customer": customer_id_text(customer_id)} | {role.value: role for role in Role}
    return {
        role: f"{base_url}/demo/sign-in/{who}/{_code(str(who), keys)}"
        for role, who in people.items()
    }


def sign_in_as(who: str, code: str) -> Response:
    """Signs in as a sample person."""
    if not hmac.compare_digest(code.encode(), _code(who, keys()).encode()):
        raise NotFound()
    kind = browser_of(request.headers.get("User-Agent", ""))
    previous = cookies.secret()
    if who in set(Role):
        found = next((s for s in staff.list_staff() if s.name == _staff_name(Role(who))), None)
        if found is None or found.disabled_at is not None:
            raise NotFound()
        signed_in.begin(sessions.begin(None, found.id, kind, previous, now()))
        return see_other("/staff")
    customer = customers.get_record(parse_customer_id(who)).id
    signed_in.begin(sessions.begin(customer, None, kind, previous, now()))
    return see_other(signed_in.home())


def show_mailbox() -> Response:
    """The letters that a mail server would have sent, the newest first."""
    letters = mail.list_newest(jobs.key_of, _NEWEST)
    return render("accounts/mailbox.html", letters=letters)


def _staff_name(role: Role) -> str:
    return f"demo-{role}"


def _code(who: str, keys: Keyring) -> str:
    """Makes a link that only this demo's own output knows."""
    return blind_index.keyed_digest(keys, "demo.sign_in", who.encode()).hex()[:32]
