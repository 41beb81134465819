import base64
import json

from consent_service.kernel.ids import decode
from tests.support.problems import UNKNOWN, fault

BASE = "/v1/decisions/batch"


def batch(shop, *checks, **more):
    reply = shop.api.post(BASE, {"checks": [*checks]}, **more)
    assert reply.status_code == 200, reply.json
    return reply.json["decisions"]


def by_id(customer, purpose="news", **more):
    return {"customer_id": customer, "purpose": purpose, **more}


def by_email(address, purpose="news", **more):
    return {"identifier": {"type": "email", "value": address}, "purpose": purpose, **more}


def test_each_check_has_its_own_answer_in_order(shop):
    ann, bob = shop.customer("ann@example.org"), shop.customer("bob@example.org")
    shop.say(ann, "given")
    shop.say(bob, "refused")
    shop.suppress("marked@example.org")
    answers = batch(
        shop,
        by_id(ann),
        by_email("BOB@example.org"),
        by_id(UNKNOWN),
        by_email("nobody@example.org"),
        by_email("marked@example.org"),
        by_id(ann, "unheard.of"),
        by_id(ann, "any text at all"),
        by_id(bob, "offers"),
        by_id(bob, "orders", channel="post"),
        by_id(ann, recipient="broker"),
        by_id(ann, data_categories=["purchase_history"]),
        by_email("ann@example.org"),
    )
    assert [answer["reason"] for answer in answers] == [
        "consent_given", "refused", "no_record", "no_record", "suppressed", "unknown_purpose",
        "unknown_purpose", "channel_required", "legal_basis", "recipient_not_allowed",
        "category_not_allowed", "consent_given",
    ]  # fmt: skip
    assert [answer["outcome"] for answer in answers if answer["outcome"] == "permit"] == [
        "permit"
    ] * 3
    assert len({answer["decision_id"] for answer in answers}) == len(answers)


def test_many_are_answered_as_one_is(shop):
    people = [shop.customer(jurisdiction=code) for code in ("DE", "US-CA", "IN", None)]
    for number, person in enumerate(people):
        shop.say(person, ("given", "refused", "objected", "withdrawn")[number])
        shop.signal(person)
    purposes = [("news", {}), ("ads", {"recipient": "broker"}), ("printed", {}), ("recalls", {}),
                ("orders", {"channel": "email"}), ("offers", {"channel": "sms"})]  # fmt: skip
    checks = [by_id(each, key, **more) for each in people for key, more in purposes]

    def said(answer):
        return {name: value for name, value in answer.items() if name != "decision_id"}

    alone = [said(shop.api.post("/v1/decisions", check).json) for check in checks]
    assert [said(answer) for answer in batch(shop, *checks)] == alone
    assert len({answer["reason"] for answer in alone}) > 5


def test_each_answer_has_its_entry_and_statement(shop):
    ann = shop.customer()
    answers = batch(shop, by_id(ann), by_id(ann), by_email("nobody@example.org"), by_id(ann, "x"))
    listed = shop.api.get("/v1/disclosures").json["items"]
    assert {item["id"] for item in listed} == {answer["decision_id"] for answer in answers}
    for answer in answers:
        assert shop.api.get(f"/v1/decisions/{answer['decision_id']}").status_code == 200
    assert [item["purpose"] for item in listed if item["reason"] == "unknown_purpose"] == [None]


def test_the_log_has_of_many_what_it_has_of_one(shop):
    """What entries of a batch say alike is put together once, for those alone that say the same."""
    ann, bob = shop.customer("ann@example.org"), shop.customer(jurisdiction="US-CA")
    shop.say(ann, "given")
    shop.say(bob, "refused")
    contexts = ({}, {"touchpoint": "web"}, {"touchpoint": "made.up"}, {"campaign": "spring"})
    checks = [
        {**each, "context": context}
        for each in (by_id(ann), by_id(bob), by_id(UNKNOWN), by_email("ann@example.org"),
                     by_id(ann, "orders", channel="post"), by_id(ann, recipient="warehouse"),
                     by_id(ann, "orders", channel="email"),
                     by_id(ann, "orders", data_categories=[]))
        for context in contexts
    ]  # fmt: skip
    alone = [shop.api.post("/v1/decisions", check).json for check in checks]
    together = batch(shop, *checks)
    logged = [in_the_clear(shop, answer) for answer in together]
    assert logged == [in_the_clear(shop, answer) for answer in alone]
    assert {entry["touchpoint"] for entry in logged} == {None, "web"}
    assert [statement(shop, one) for one in together] == [statement(shop, one) for one in alone]


def in_the_clear(shop, answer):
    """What the log says of an answer to whoever has no key, but for what no other answer has."""
    place, entry_id = decode("dec", answer["decision_id"], 2)
    (row,) = [row for row in shop.rows("ledger_entries") if row["id"] == entry_id]
    assert row["customer_id"] == place
    row["whose"] = place if row["known"] else None
    own = ("customer_id", "id", "token", "commitment", "payload", "batch_id")
    return {name: value for name, value in row.items() if name not in own}


def statement(shop, answer):
    """What a signed statement says of an answer, but for its id."""
    said = shop.api.get(f"/v1/decisions/{answer['decision_id']}").get_data(as_text=True)
    claims = said.split(".")[1]
    found = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return {name: value for name, value in found.items() if name not in ("decision_id", "iat")}


def test_a_purpose_that_is_made_up_is_not_kept_in_the_clear(shop):
    ann = shop.customer()
    batch(shop, by_id(ann, "canary@example.org"), by_email("canary@example.org", "canary"))
    assert "canary" not in repr(shop.rows("ledger_entries"))


def send(shop, checks):
    """Without holding so long a reply against the document."""
    headers = {"Authorization": f"Bearer {shop.token}"}
    return shop.app.test_client().post(BASE, json={"checks": checks}, headers=headers)


def test_ten_thousand_at_once_and_no_more(shop):
    ann = shop.customer("ann@example.org")
    shop.say(ann, "given")
    checks = [by_id(ann), by_email("ann@example.org"), by_id(UNKNOWN), by_email("n@example.org")]
    reply = send(shop, checks * 2_500)
    expected = ["consent_given", "consent_given", "no_record", "no_record"] * 2_500
    assert [answer["reason"] for answer in reply.json["decisions"]] == expected
    assert fault(send(shop, checks * 2_501)) == ("/checks", "invalid")
    assert len(shop.rows("ledger_entries")) == 10_000 + 1 + 4  # one for the leaf of all of them


def test_people_of_many_chunks_are_all_found(shop):
    people = [shop.customer(f"p{n}@example.org", {"type": "customer_number", "value": str(n)})
              for n in range(20)]  # fmt: skip
    for person in people[::2]:
        shop.say(person, "given")
    strangers = [by_email(f"stranger{n}@example.org") for n in range(1_200)]
    answers = batch(shop, *strangers, *(by_email(f"p{n}@example.org") for n in range(20)))
    assert [answer["reason"] for answer in answers[1_200:]] == ["consent_given", "no_record"] * 10


def test_what_cannot_be_asked_is_422_at_its_place(shop):
    ann = shop.customer()
    for bad, pointer in (
        ({"channel": "pigeon"}, "/checks/1/channel"),
        ({"purpose": None}, "/checks/1/purpose"),
        ({"at_least_as_fresh": "ctk_1"}, "/checks/1/at_least_as_fresh"),
        ({"extra": 1}, "/checks/1/extra"),
    ):
        check = {name: value for name, value in {**by_id(ann), **bad}.items() if value is not None}
        reply = shop.api.post(BASE, {"checks": [by_id(ann), check]})
        assert fault(reply)[0] == pointer
    assert shop.api.get("/v1/disclosures").json["items"] == []


def test_a_token_of_another_customer_is_422_at_its_place(shop):
    ann, bob = shop.customer(), shop.customer()
    token = shop.say(bob, "given")["consent_token"]
    checks = [by_id(bob, at_least_as_fresh=token), by_id(ann, at_least_as_fresh=token)]
    reply = shop.api.post(BASE, {"checks": checks})
    assert fault(reply) == ("/checks/1/at_least_as_fresh", "invalid_consent_token")
    assert shop.api.get("/v1/disclosures").json["items"] == []


def test_a_store_that_is_behind_one_token_answers_none(shop):
    ann, bob = shop.customer(), shop.customer()
    token = shop.say(bob, "given")["consent_token"]
    shop.change_store("UPDATE customers SET revision = 1")
    reply = shop.api.post(BASE, {"checks": [by_id(ann), by_id(bob, at_least_as_fresh=token)]})
    assert (reply.status_code, reply.json["code"]) == (503, "stale")
    assert shop.api.get("/v1/disclosures").json["items"] == []


def test_a_batch_may_be_larger_than_other_bodies(shop):
    wide = {**by_id(UNKNOWN), "data_categories": ["x" * 64] * 50}
    reply = send(shop, [wide] * 700)
    assert reply.request.content_length > 2 * 1024 * 1024
    assert len(reply.json["decisions"]) == 700
    assert send(shop, [{**wide, "recipient": "x" * 17 * 1024 * 1024}]).status_code == 413
