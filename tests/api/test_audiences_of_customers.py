"""Who was in an audience: told to customers and auditors, and to nobody else."""

import json
from datetime import timedelta

import pytest

from consent_service.catalogue.jobs import forget_entries
from consent_service.disclosures import about
from consent_service.disclosures.model import KINDS, item_of
from consent_service.kernel.clock import utc_now
from consent_service.kernel.ids import parse_customer_id
from consent_service.ledger import retention
from consent_service.ledger.filter_store import filtered
from consent_service.ledger.model import EntryFilter, EntryKind
from consent_service.ledger.verify import Broken
from consent_service.personal_data import service as personal_data
from consent_service.screenings.retention import forget_screenings
from consent_service.screenings.verify import verify_screenings
from consent_service.storage.unit_of_work import reading
from tests.support import log
from tests.support.audiences import NDJSON, answered, ndjson, people_of, screen


@pytest.fixture
def people(shop):
    return people_of(shop)


def items_about(shop, customer, **query):
    return shop.api.get(f"/v1/customers/{customer}/disclosures", query_string=query).json["items"]


def test_customers_are_told_which_audiences_they_were_in(shop, people):
    summary = answered(screen(shop, ndjson(people["ann"], people["ben"])))[1]
    shop.check(people["ann"])
    told, own = items_about(shop, people["ann"])
    assert (told["id"], told["customer_id"]) == (summary["screening_id"], people["ann"])
    assert (told["outcome"], told["reason"]) == ("permit", "consent_given")
    assert told["text"] == (
        "mailer chose people for “news” by e-mail, to use your data (email_address; name): "
        "you were among them."
    )
    assert own["kind"] == "decision"
    (told,) = items_about(shop, people["ben"], kind="screening")
    assert (told["outcome"], told["reason"]) == ("deny", "refused")
    assert told["text"].endswith("you were left out.")
    assert items_about(shop, people["ben"], kind="decision") == []
    assert items_about(shop, people["cleo"]) == []


def test_auditors_find_audiences_by_customer_and_outcome(shop, people):
    screen(shop, ndjson(people["ann"], people["ben"]))
    shop.check(people["ann"])
    for query, kinds in (
        ({"customer_id": people["ann"]}, ["screening", "decision"]),
        ({"customer_id": people["ann"], "outcome": "permit"}, ["screening", "decision"]),
        ({"customer_id": people["ann"], "outcome": "deny"}, []),
        ({"customer_id": people["ben"], "outcome": "deny"}, ["screening"]),
        ({"customer_id": people["ben"], "purpose": "ads"}, []),
    ):
        reply = shop.api.get("/v1/disclosures", query_string=query)
        assert [item["kind"] for item in reply.json["items"]] == kinds
        asked = {"Accept": NDJSON}
        lines = shop.api.get("/v1/disclosures", query_string=query, headers=asked).get_data()
        assert [json.loads(line) for line in lines.splitlines()] == reply.json["items"]


def test_whoever_was_merged_keeps_the_audiences_of_both(shop, people):
    screen(shop, ndjson(people["ann"]))
    screen(shop, ndjson(people["ben"]))
    shop.merge(people["cleo"], people["ann"])
    shop.merge(people["ben"], people["cleo"])
    assert [item["reason"] for item in items_about(shop, people["ann"])] == [
        "consent_given",
        "refused",
    ]


def test_pages_over_many_audiences_miss_nobody(shop, people, monkeypatch):
    monkeypatch.setattr("consent_service.disclosures.about._AUDIENCES", 3)
    wanted = []
    for at in range(8):
        if at % 3:
            wanted.append(shop.check(people["ann"])["decision_id"])
        named = ndjson(people["ann"] if at in (1, 6, 7) else people["ben"])
        made = answered(screen(shop, named))[1]["screening_id"]
        wanted += [made] if at in (1, 6, 7) else []
    for limit in (1, 2, 100):
        found, query = [], {"limit": limit}
        while query is not None:
            path = f"/v1/customers/{people['ann']}/disclosures"
            page = shop.api.get(path, query_string=query).json
            assert len(page["items"]) <= limit
            found += [item["id"] for item in page["items"]]
            after = page["next_cursor"]
            query = None if after is None else {"limit": limit, "cursor": after}
        assert found == wanted


def use_of(shop, screening_id, **changes):
    """Reports a use of those whom a screening permitted; the report's id."""
    body = {
        "screening_id": screening_id,
        "data_categories": ["name"],
        "recipient": "mailer",
        "touchpoint": "web",
        "occurred_at": shop.at(),
        **changes,
    }
    reply = shop.api.post("/v1/disclosures", body)
    assert reply.status_code == 201, reply.json
    return reply.json["id"]


def test_customers_are_told_what_an_audience_was_used_for(shop, people):
    summary = answered(screen(shop, ndjson(people["ann"], people["ben"])))[1]
    made = use_of(shop, summary["screening_id"])
    late = use_of(shop, summary["screening_id"], occurred_at=shop.at(seconds=61))
    audience, used, breach = items_about(shop, people["ann"])
    assert (used["id"], used["customer_id"]) == (made, people["ann"])
    assert (used["outcome"], used["reason"]) == ("permit", "consent_given")
    assert (breach["id"], breach["outcome"], breach["reason"]) == (late, "deny", "breach_expired")
    assert audience["screening_id"] is None
    assert used["screening_id"] == breach["screening_id"] == audience["id"]
    assert used["text"] == (
        "mailer used your data (name) for “news” by e-mail, as allowed: you were among the people "
        "chosen."
    )
    assert breach["text"].endswith(
        "although this was not allowed: you were among the people asked about."
    )
    kinds = [item["kind"] for item in items_about(shop, people["ben"])]
    assert kinds == ["screening"], "who was left out was not used"
    assert items_about(shop, people["cleo"]) == []
    assert [i["id"] for i in items_about(shop, people["ann"], kind="disclosure")] == [made, late]
    query = {"customer_id": people["ann"], "outcome": "deny"}
    assert [i["id"] for i in shop.api.get("/v1/disclosures", query_string=query).json["items"]] == [
        late
    ]


def test_a_use_although_nobody_was_permitted_is_about_all_of_them(shop, people):
    summary = answered(screen(shop, ndjson(people["ben"], people["cleo"])))[1]
    use_of(shop, summary["screening_id"])
    for name in ("ben", "cleo"):
        _, breach = items_about(shop, people[name])
        assert breach["reason"] == "breach_not_permitted"
    assert items_about(shop, people["ann"]) == []


def test_a_use_of_somebody_unknown_is_in_nobodys_record(shop, people):
    decision = shop.check("nobody@example.org")["decision_id"]
    reply = shop.api.post("/v1/disclosures", {
        "decision_id": decision, "data_categories": ["name"], "recipient": "mailer",
        "touchpoint": "web", "occurred_at": shop.at(),
    })  # fmt: skip
    assert reply.json["outcome"] == "deny"
    screen(shop, ndjson(*people.values()))
    for customer in people.values():
        assert [item["kind"] for item in items_about(shop, customer)] == ["screening"]


def test_uses_stay_with_whoever_is_merged_and_go_with_whoever_is_erased(app, shop, people):
    summary = answered(screen(shop, ndjson(people["ann"], people["dora"])))[1]
    made = use_of(shop, summary["screening_id"])
    shop.merge(people["cleo"], people["ann"])
    assert [item["id"] for item in items_about(shop, people["cleo"])][1:] == [made]
    kept = shop.rows("screening_shards")
    with app.app_context():
        personal_data.erase([parse_customer_id(people["cleo"])], shop.clock())
    assert shop.api.get(f"/v1/customers/{people['cleo']}/disclosures").status_code == 404
    assert shop.rows("screening_shards") == kept  # of which nobody can compute a tag any more
    assert len(shop.rows("customers")) == 2
    listed = shop.api.get("/v1/disclosures?kind=disclosure").json["items"]
    assert [(item["id"], item["customer_id"]) for item in listed] == [(made, None)]


def test_pages_over_many_uses_miss_none_in_either_order(app, shop, people, monkeypatch):
    monkeypatch.setattr("consent_service.disclosures.about._AUDIENCES", 3)
    wanted = []
    for at in range(5):
        theirs = at % 2 == 0
        made = answered(screen(shop, ndjson(people["ann" if theirs else "dora"], people["ben"])))[1]
        ids = [made["screening_id"], *(use_of(shop, made["screening_id"]) for _ in range(3))]
        wanted += [*ids, shop.check(people["ann"])["decision_id"]] if theirs else []
    of = EntryFilter(parse_customer_id(people["ann"]), frozenset(KINDS))
    with app.app_context():
        for limit in (1, 2, 5, 100):
            for read, expected in ((about.list_about, wanted), (about.list_newest, wanted[::-1])):
                found, cursor, first = [], None, True
                while first or cursor:
                    page = read(of, cursor, limit)
                    assert len(page.items) <= limit
                    found += [item_of(entry, None).id for entry in page.items]
                    cursor, first = page.next_cursor, False
                assert found == expected


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_uses_of_audiences_are_found_by_their_own_index(app):
    """Without a look at what else was used: reports of single people are many."""
    wanted = EntryFilter(kinds=frozenset({EntryKind.DISCLOSURE}), known=False)
    with app.app_context(), reading() as tx:
        query = filtered(tx, wanted).order_by("id").limit(200)
        text = str(query.compile(tx.engine, compile_kwargs={"literal_binds": True}))
        plan = " ".join(row[-1] for row in tx.exec_driver_sql("EXPLAIN QUERY PLAN " + text))
    assert "ix_ledger_entries_of_audiences" in plan
    assert "TEMP B-TREE" not in plan


def test_nothing_kept_of_an_audience_names_anybody(shop, people):
    screen(shop, ndjson(*people.values()))
    secrets = {row["audience_secret"] for row in shop.rows("customers")}
    assert len(secrets) == 4
    kept = repr([shop.rows("screenings"), shop.rows("screening_shards")])
    for customer in shop.rows("customers"):
        assert customer["customer_id"].hex not in kept
        assert repr(customer["audience_secret"])[2:-1] not in kept


def test_a_use_rests_on_a_screening(shop, people, open_shop):
    summary = answered(screen(shop, ndjson(people["ann"])))[1]
    body = {
        "screening_id": summary["screening_id"],
        "data_categories": ["name"],
        "recipient": "mailer",
        "touchpoint": "web",
        "occurred_at": shop.at(),
    }
    reply = shop.api.post("/v1/disclosures", body)
    assert (reply.status_code, reply.json["outcome"], reply.json["reason"]) == (
        201,
        "permit",
        "screened",
    )
    late = {**body, "occurred_at": shop.at(seconds=61)}
    assert shop.api.post("/v1/disclosures", late).json["reason"] == "breach_expired"
    nobody = answered(screen(shop, ndjson(people["ben"])))[1]["screening_id"]
    reply = shop.api.post("/v1/disclosures", {**body, "screening_id": nobody})
    assert reply.json["reason"] == "breach_not_permitted"
    stranger = open_shop("stranger", recipients=("warehouse",))
    assert stranger.api.post("/v1/disclosures", body).status_code == 404
    mailer = open_shop("itsown", recipients=("mailer",))
    assert mailer.api.post("/v1/disclosures", body).status_code == 201


def test_what_is_kept_of_a_screening_is_held_against_the_log(app, shop, people):
    screen(shop, ndjson(people["ann"]))
    summary = answered(screen(shop, ndjson(people["ben"])))[1]
    with app.app_context():
        assert verify_screenings() == 0  # nothing is sealed yet
        log.seal()
        assert verify_screenings() == 2
    item = shop.api.get("/v1/disclosures?kind=screening").json["items"][1]
    assert item["id"] == summary["screening_id"]
    for change, what in (
        ("UPDATE screening_shards SET members = salt FROM screenings WHERE id = screening_id "
         "AND id = (SELECT id FROM screenings ORDER BY id DESC LIMIT 1)", "members of its"),
        ("DELETE FROM screening_shards WHERE screening_id = "
         "(SELECT id FROM screenings ORDER BY id DESC LIMIT 1)", "members of its screening"),
        ("UPDATE screenings SET payload = salt WHERE id = "
         "(SELECT id FROM screenings ORDER BY id DESC LIMIT 1)", "is not what was sealed"),
        ("DELETE FROM screenings WHERE id = "
         "(SELECT id FROM screenings ORDER BY id DESC LIMIT 1)", "is gone"),
    ):  # fmt: skip
        shop.change_store(change)
        with app.app_context(), pytest.raises(Broken, match=what) as broken:
            verify_screenings()
        assert broken.value.index == item["leaf_index"]


def test_what_retention_let_go_is_kept_of_no_screening(app, shop, people):
    for _ in range(3):
        screen(shop, ndjson(people["ann"]))
    with app.app_context():
        log.seal()
        later = utc_now() + timedelta(days=1096)
        assert forget_screenings(later) == 0  # the log has them still
        assert forget_entries(later) >= 3
        assert forget_screenings(utc_now()) == 0  # younger than a day: one may be on its way
        assert forget_screenings(later) == 3
        assert verify_screenings() == 0
    assert shop.rows("screenings") == shop.rows("screening_shards") == []
    assert items_about(shop, people["ann"], kind="screening") == []


def test_who_was_in_it_is_known_as_long_as_a_use_rests_on_it(app, shop, people):
    made = [answered(screen(shop, ndjson(people["ann"])))[1]["screening_id"] for _ in range(3)]
    used = use_of(shop, made[1])
    with app.app_context():
        log.seal()
        later = utc_now() + timedelta(days=1096)
        kept_longer = {EntryKind.SCREENING: 1095, EntryKind.DISCLOSURE: 2000}
        assert retention.forget(later, kept_longer) == 3
        assert forget_screenings(later) == 2
    assert [item["id"] for item in items_about(shop, people["ann"])] == [used]
    with app.app_context():
        assert retention.forget(later, {EntryKind.DISCLOSURE: 1095}) == 1
        assert forget_screenings(later) == 1
