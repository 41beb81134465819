"""An app that acts for customers, and a browser in which one of them answers it."""

import base64
import hashlib
import re
import secrets
from urllib.parse import parse_qs, urlsplit

from consent_service.customers import service as customers
from consent_service.customers.model import NewCustomer
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.ids import customer_id_text
from consent_service.oauth import pages, service
from consent_service.oauth.model import ClientKind
from consent_service.web.runtime import keys

REDIRECT = "https://app.example.org/back"
SCOPES = ("consents:read", "customers:read")
VERIFIER = secrets.token_urlsafe(48)


def challenge_of(verifier):
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def add_customer(app, clock, identifiers=()):
    """A customer's id."""
    with app.app_context():
        new = NewCustomer(tuple(identifiers), {}, None, None, None)
        return customers.create_customer(new, clock(), keys())


class LoyaltyApp:
    """An app, registered, and whoever is signed in where it sends people."""

    def __init__(self, app, clock, scopes=SCOPES, name="loyalty", jwks=None, **more):
        self.app, self.clock, self.signed_in = app, clock, None
        with app.app_context():
            self.made = service.create_client(
                name, more.pop("title", "Loyalty"), frozenset(scopes), (), SYSTEM, clock(),
                kind=ClientKind.APP, redirect_uris=(REDIRECT, REDIRECT + "/2"), jwks=jwks, **more,
            )  # fmt: skip
        app.extensions[pages.SIGNED_IN] = lambda: self.signed_in
        app.extensions[pages.SIGN_IN_PATH] = lambda back: f"/sign-in?next={back}"
        self.auth = (self.made.client_id, self.made.secret)
        self.browser = app.test_client()

    def asks(self, **changes):
        """The query it sends a browser with."""
        query = {
            "response_type": "code",
            "client_id": self.made.client_id,
            "redirect_uri": REDIRECT,
            "scope": " ".join(SCOPES),
            "state": "s-1",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in query.items() if value is not None}

    def open(self, **changes):
        """The customer's browser is sent to ask."""
        return self.browser.get("/oauth/authorize", query_string=self.asks(**changes))

    def answer(self, answer="allow", **changes):
        """The customer answers; where the browser is led."""
        page = self.open(**changes)
        assert page.status_code == 200, page.get_data(as_text=True)
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.get_data(as_text=True))[1]
        return self.browser.post(
            "/oauth/authorize",
            query_string=self.asks(**changes),
            data={"answer": answer, "csrf_token": token},
        )

    def code(self, **changes):
        reply = self.answer(**changes)
        assert reply.status_code == 303, reply.get_data(as_text=True)
        return told(reply)["code"]

    def redeem(self, code, client=None, **changes):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
            **changes,
        }
        return self.ask(form, client)

    def refresh(self, token, client=None, **changes):
        form = {"grant_type": "refresh_token", "refresh_token": token, **changes}
        return self.ask(form, client)

    def ask(self, form, client=None, path="/oauth/token", auth=None):
        form = {name: value for name, value in form.items() if value is not None}
        client = client or self.app.test_client()
        return client.post(path, data=form, auth=auth or self.auth)

    def tokens(self, **changes):
        """A token set for whoever is signed in."""
        reply = self.redeem(self.code(**changes))
        assert reply.status_code == 200, reply.get_data(as_text=True)
        return reply.json

    def sees(self, token):
        """The status of a request that any live token of the customer may make."""
        reply = self.app.test_client().get(
            f"/v1/customers/{customer_id_text(self.signed_in)}",
            headers={"Authorization": f"Bearer {token}"},
        )
        return reply.status_code


def told(reply):
    """What the app is told by where the browser is led."""
    query = parse_qs(urlsplit(reply.headers["Location"]).query, strict_parsing=True)
    return {name: value for name, (value,) in query.items()}
