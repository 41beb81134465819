"""An export holds every personal value of one person, each where it belongs, and none of another;
what is kept of it is readable nowhere."""

import pytest

from consent_service.packages import building, service
from consent_service.personal_data import service as everything
from consent_service.privacy_requests.model import parse_request_id
from consent_service.web.runtime import keys
from tests.storage.test_no_plaintext import occurring, written_down
from tests.support.packages import Packing
from tests.support.shop import EVERYTHING, RECIPIENTS, Shop


@pytest.fixture
def shop(app, clock, api, make_client, token_for):
    made = Shop(app, clock, api, make_client("shop", EVERYTHING, RECIPIENTS), token_for)
    made.load()
    return made


class Canaries:
    """Somebody with a value of their own in every personal field. `told`: those that a package
    tells, once in each form; `untold`: those that are of other people, or keys to an account."""

    def __init__(self, shop, packing, mark):
        self.mark = mark
        self.customer = shop.customer(
            self.of("mail") + "@example.org",
            {"type": "customer_number", "value": self.of("number")},
            {"type": "device", "value": self.of("device").ljust(20, "0")},
            profile={"first_name": self.of("first"), "city": self.of("city")},
        )
        shop.say(
            self.customer,
            "given",
            evidence={"form": self.of("evidence"), "ip": self.of("address")},
            context={"lifecycle_stage": self.of("stage")},
            agent=self.of("agent"),
            guardian={"name": self.of("guardian")},
        )
        shop.check(self.customer, "printed", context={"campaign": self.of("campaign")})
        rejected = packing.confirmed(self.customer, "rectification", note=self.of("note"))
        packing.act(rejected, "reject", reason=self.of("reason"))
        self.request = packing.approved(self.customer)
        with shop.app.app_context():
            request = parse_request_id(self.request)
            name, content = self.of("file") + ".txt", self.of("part").encode()
            service.add_part(request, "mailer", name, content, shop.clock(), keys())
        self.told = [self.of(each) for each in TOLD]
        self.untold = [self.of(each) for each in ("agent", "guardian")]

    def of(self, field):
        return f"{self.mark}_{field}_canary"


TOLD = (
    "mail", "number", "device", "first", "city", "evidence", "address", "stage", "campaign",
    "note", "reason", "file",
)  # fmt: skip


def test_every_value_is_there_once_in_every_form_and_nobody_elses(shop, store):
    packing = Packing(shop)
    ann, bob = (Canaries(shop, packing, mark) for mark in ("ann", "bob"))
    assert packing.make() == 2
    every = {*ann.told, *ann.untold, *bob.told, *bob.untold, ann.of("part"), bob.of("part")}
    every -= {ann.of("stage"), bob.of("stage")}  # a key of the company's, in a clear column
    assert occurring(every, written_down(store)) == set()
    for own, other in ((ann, bob), (bob, ann)):
        got = packing.fetch(own.request)
        contents = packing.contents(got)
        forms = (
            contents.files["package.json"].decode(),
            "".join(contents.tables.values()),
            contents.html,
        )
        for form in forms:
            assert {value: form.count(value) for value in own.told} == dict.fromkeys(own.told, 1)
            assert [value for value in own.untold if value in form] == []
        everywhere = b"".join(contents.files.values()).decode()
        assert everywhere.count(own.of("part")) == 1
        assert f"{other.mark}_" not in everywhere
        assert other.customer not in everywhere
    assert occurring(every, written_down(store)) == set()


def test_what_a_room_adds_is_not_told_until_it_is_named(shop):
    packing = Packing(shop)
    ann = shop.customer("ann@example.org")
    walk = everything.export

    def adding(customer, ring):
        found = dict(walk(customer, ring))
        found["profile"] = [{**row, "secret": "canary-column"} for row in found["profile"]]
        return {**found, "secrets": [{"value": "canary-table"}]}

    building.hand_in(adding, lambda _: ())
    try:
        contents = packing.package(ann)
    finally:
        building.hand_in(walk, lambda _: ())
    assert b"canary" not in b"".join(contents.files.values())


def test_the_log_is_read_in_portions_and_told_whole(shop):
    packing = Packing(shop)
    ann = shop.customer("ann@example.org")
    checks = [{"customer_id": ann, "purpose": "printed", "recipient": "mailer"}] * 2_500
    reply = shop.api.post("/v1/decisions/batch", {"checks": checks})
    assert reply.status_code == 200, reply.json
    told = packing.package(ann)
    asked = [row for row in told.json["log"] if row["kind"] == "decision"]
    assert len({row["id"] for row in asked}) == 2_500
    assert told.html.count("Mar") < 1_000
    assert "2500" in told.html
