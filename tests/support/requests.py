"""Privacy requests as tests hand them in and bring them on."""

from datetime import timedelta

from consent_service.accounts import sessions
from consent_service.accounts.jobs import key_of
from consent_service.accounts.model import Browser
from consent_service.kernel.ids import parse_customer_id
from consent_service.mail import service as mail
from consent_service.oauth import store
from consent_service.oauth.model import Caller, Scope, digest, new_secret
from consent_service.privacy_requests import jobs
from consent_service.storage.unit_of_work import unit_of_work
from tests.support.pages import links_in
from tests.support.shop import subject

BASE = "/v1/privacy-requests"


class Desk:
    """A shop's privacy requests, over HTTP, and the worker's part in them."""

    def __init__(self, shop):
        self.shop = shop

    def send(self, who, kind="access", **more):
        return self.shop.api.post(BASE, {**subject(who), "kind": kind, **more})

    def ask(self, who, kind="access", **more):
        """The id of a request that was handed in and looked up."""
        reply = self.send(who, kind, **more)
        assert reply.status_code == 202, reply.json
        self.work()
        return reply.json["id"]

    def confirmed(self, who, kind="access", **more):
        """The id of a request that staff confirmed."""
        request = self.ask(who, kind, **more)
        assert self.act(request, "confirm", identity="document").status_code == 200
        return request

    def approved(self, who, kind="access", **more):
        """The id of a request that was approved."""
        request = self.ask(who, kind, **more)
        reply = self.act(request, "approve", identity="call_back")
        assert reply.status_code == 200, reply.json
        return request

    def act(self, request, act, **body):
        return self.shop.api.post(f"{BASE}/{request}/{act}", body)

    def show(self, request):
        reply = self.shop.api.get(f"{BASE}/{request}")
        assert reply.status_code == 200, reply.json
        return reply.json

    def state(self, request):
        return self.show(request)["state"]

    def steps(self, request):
        return [step["step"] for step in self.show(request)["steps"]]

    def listed(self, **query):
        reply = self.shop.api.get(BASE, query_string=query)
        assert reply.status_code == 200, reply.json
        return [item["id"] for item in reply.json["items"]]

    def work(self):
        with self.shop.app.app_context():
            return jobs.look_up(self.shop.clock())

    def carry_out(self):
        with self.shop.app.app_context():
            return jobs.carry_out(self.shop.clock())

    def remind(self):
        with self.shop.app.app_context():
            return jobs.remind(self.shop.clock())

    def waiting(self, recipient=None):
        """What waits to be answered by one recipient, or by all."""
        more = {} if recipient is None else {"recipient": recipient}
        reply = self.shop.api.get("/v1/requests-for-me", query_string=more)
        assert reply.status_code == 200, reply.json
        return reply.json["items"]

    def answer(self, recipient=None, **body):
        """A recipient, or all of them, answers all that waits: that it is done, unless told."""
        for task in self.waiting(recipient):
            path = f"/v1/requests-for-me/{task['id']}/confirm"
            reply = self.shop.api.post(path, body or {"outcome": "done"})
            assert reply.status_code == 200, reply.json

    def letters(self):
        """The letters with links to confirm, the newest first."""
        with self.shop.app.app_context():
            found = mail.list_newest(key_of, 100)
        return [letter for waiting, letter in found if waiting.kind == "privacy_request_link"]

    def link(self):
        """The path of the newest link."""
        return next(
            path for path in links_in(self.letters()[0].text) if path.startswith("/requests/")
        )

    def sign_in(self, customer):
        """The customer signs in, just now."""
        with self.shop.app.app_context():
            now = self.shop.clock()
            sessions.begin(parse_customer_id(customer), None, Browser.OTHER, None, now)

    def token_of(self, customer):
        """A token that an app got for a customer, good for a year."""
        made, now = new_secret(), self.shop.clock()
        caller = Caller("loyalty", frozenset(Scope), (), parse_customer_id(customer))
        with self.shop.app.app_context(), unit_of_work() as tx:
            store.add_token(tx, digest(made), caller, now, now + timedelta(days=365))
        return made
