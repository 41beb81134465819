"""What a company does with the service, in few words: tests speak it over HTTP."""

import itertools
from datetime import timedelta

from consent_service.catalogue import service as catalogues
from consent_service.consents.service import count_to_ask_again
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import rfc3339
from consent_service.oauth.model import ACCESS_TOKEN_LIFETIME, Scope
from consent_service.storage.db import Base
from consent_service.storage.unit_of_work import reading, unit_of_work
from tests.support import small_catalogue

RECIPIENTS = ("mailer", "broker", "warehouse")


class Shop:
    """A client with every scope and recipient, or what it is made with. It fetches a new token
    when the clock has moved past the old one."""

    def __init__(self, app, clock, api, made, token_for):
        self.app, self.clock = app, clock
        self._api, self._made, self._token_for = api, made, token_for
        self._token = self._speaks = self._until = None
        self._numbers = itertools.count(1)

    @property
    def api(self):
        if self._until is None or not self.clock() < self._until:
            self._token = self._token_for(self._made)
            self._speaks = self._api(self._token)
            self._until = self.clock() + ACCESS_TOKEN_LIFETIME
        return self._speaks

    @property
    def token(self):
        return self.api and self._token

    def load(self, *purposes, **changes):
        """Puts a catalogue in force; its version."""
        with self.app.app_context():
            text = small_catalogue.text(*purposes, **changes)
            return catalogues.load_catalogue(text, SYSTEM, self.clock(), count_to_ask_again).version

    def at(self, **parts):
        """A moment so far from now, as text."""
        return rfc3339(self.clock() + timedelta(**parts))

    def address(self):
        return f"person{next(self._numbers)}@example.org"

    def customer(self, *identifiers, **more):
        """The id of a new customer, with an address of their own unless given others."""
        found = identifiers or (self.address(),)
        body = {"identifiers": [as_identifier(each) for each in found], **more}
        body.setdefault("jurisdiction", "DE")
        if body["jurisdiction"] is None:
            del body["jurisdiction"]
        reply = self.api.post("/v1/customers", body)
        assert reply.status_code == 201, reply.json
        return reply.json["id"]

    def revision(self, customer):
        return self.api.get(f"/v1/customers/{customer}").json["revision"]

    def event(self, customer, event, purpose="news", **more):
        """The body of an event, with what a yes needs."""
        body = {**subject(customer), "purpose": purpose, "event": event, "touchpoint": "web"}
        body["captured_at"] = self.at()
        if event in ("given", "renewed"):
            body |= {"notice_version": "1", "language": "en"}
        body |= more
        return {name: value for name, value in body.items() if value is not None}

    def say(self, customer, event, purpose="news", **more):
        """Records an event; what came of it."""
        reply = self.api.post("/v1/consents", self.event(customer, event, purpose, **more))
        assert reply.status_code == 201, reply.json
        return reply.json

    def check(self, customer, purpose="news", **more):
        """The answer to a check."""
        recipient = {"ads": "broker"}.get(purpose, "mailer")
        body = {**subject(customer), "purpose": purpose, "recipient": recipient, **more}
        reply = self.api.post("/v1/decisions", body)
        assert reply.status_code == 200, reply.json
        return reply.json

    def reason(self, customer, purpose="news", **more):
        return self.check(customer, purpose, **more)["reason"]

    def states(self, customer, **query):
        """What holds: {purpose or (purpose, channel): state}."""
        reply = self.api.get(f"/v1/customers/{customer}/consents", query_string=query)
        assert reply.status_code == 200, reply.json
        return {
            (item["purpose"], item["channel"])
            if item["purpose"] == "offers"
            else item["purpose"]: (item["state"])
            for item in reply.json["items"]
        }

    def history(self, customer):
        return self.api.get(f"/v1/customers/{customer}/consents/events").json["items"]

    def suppress(self, identifier, reason="complained", **more):
        body = {"identifier": as_identifier(identifier), "reason": reason, **more}
        reply = self.api.post("/v1/suppressions", body)
        assert reply.status_code in (200, 201), reply.json
        return reply.json

    def signal(self, customer, **more):
        body = {**subject(customer), "signal": "gpc", "captured_at": self.at(), "touchpoint": "web"}
        reply = self.api.post("/v1/signals", {**body, **more})
        assert reply.status_code == 201, reply.json
        return reply.json

    def merge(self, kept, absorbed):
        reply = self.api.post(f"/v1/customers/{kept}/merge", {"duplicate_id": absorbed})
        assert reply.status_code == 200, reply.json
        return reply.json

    def rows(self, table):
        """Every row of a table, as the store has them."""
        with self.app.app_context(), reading() as tx:
            return [dict(row._mapping) for row in tx.execute(Base.metadata.tables[table].select())]

    def counts(self):
        """How many rows each table has, but for tokens and counters, which come by themselves."""
        tables = Base.metadata.tables.keys() - {"access_tokens", "throttle_counters"}
        return {name: len(self.rows(name)) for name in sorted(tables)}

    def change_store(self, statement, **values):
        """Does to the store what nobody does over HTTP."""
        with self.app.app_context(), unit_of_work() as tx:
            tx.exec_driver_sql(statement) if not values else tx.execute(statement, values)


def as_identifier(text):
    """`ann@…` is an e-mail, `+49…` a phone, `dev-…` a device, all else a customer number."""
    if isinstance(text, dict):
        return text
    kind = "customer_number"
    if "@" in text:
        kind = "email"
    elif text.startswith("+"):
        kind = "phone"
    elif text.startswith("dev-"):
        kind = "device"
    return {"type": kind, "value": text}


def subject(customer):
    """By id, or by an identifier."""
    if isinstance(customer, str) and customer.startswith("cus_"):
        return {"customer_id": customer}
    return {"identifier": as_identifier(customer)}


EVERYTHING = frozenset(Scope)
