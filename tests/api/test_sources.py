import pytest

from consent_service.customers.model import IdentifierType, ProfileValue
from consent_service.customers.normaliser import identifier
from consent_service.kernel.ids import customer_id_text
from tests.support import small_catalogue
from tests.support.problems import assert_needs_scope, assert_same_as_never_known

PATH = "/v1/customers/{}/sources"


@pytest.fixture
def ann(shop, make_customer):
    """A customer of whom parts came from two declared sources, one that is not, and nowhere."""
    partner = {"key": "partner", "party": "third", "text": small_catalogue.texts("A partner")}
    shop_ = {"key": "web_shop", "party": "first", "text": small_catalogue.texts("Web shop")}
    shop.load(data_sources=[shop_, partner])
    emails = [(f"ann{n}@example.org", "web_shop") for n in (1, 2)]
    found = [identifier(IdentifierType.EMAIL, *each) for each in emails]
    found.append(identifier(IdentifierType.PHONE, "+4915112345678", "old_list"))
    found.append(identifier(IdentifierType.CUSTOMER_NUMBER, "ann-1"))
    profile = {"last_name": "web_shop", "first_name": "web_shop", "city": "partner", "size": None}
    values = {name: ProfileValue(f"secret {name}", source) for name, source in profile.items()}
    return customer_id_text(make_customer(identifiers=tuple(found), profile=values))


def item(source, party, text, identifiers, profile):
    return {
        "source": source,
        "party": party,
        "text": text,
        "identifiers": identifiers,
        "profile": profile,
    }


def test_each_source_has_its_party_and_the_names_of_what_came_from_it(shop, ann):
    reply = shop.api.get(PATH.format(ann))
    assert reply.json == {
        "items": [
            item("old_list", None, None, ["phone"], []),
            item("partner", "third", "A partner", [], ["city"]),
            item("web_shop", "first", "Web shop", ["email"], ["first_name", "last_name"]),
            item(None, None, None, ["customer_number"], ["size"]),
        ],
        "next_cursor": None,
    }


def test_no_value_is_shown(shop, ann):
    text = shop.api.get(PATH.format(ann)).text
    for value in ("ann1", "@", "4915", "ann-1", "secret"):
        assert value not in text


def test_sources_have_their_names_in_the_language_asked_for(shop, ann):
    for asked, language, name in (("ru", "ru", "Web shop (ru)"), ("ar", "ar", "Web shop")):
        reply = shop.api.get(PATH.format(ann), headers={"Accept-Language": asked})
        assert reply.headers["Content-Language"] == language
        assert reply.headers["Vary"] == "Accept-Language"
        assert reply.json["items"][2]["text"] == name


def test_of_a_customer_of_whom_nothing_is_known_there_are_none(shop, make_customer):
    made = customer_id_text(make_customer())
    assert shop.api.get(PATH.format(made)).json["items"] == []


def test_who_was_merged_is_found_under_either_id(shop, ann):
    kept = shop.customer("ann@work.example.org")
    shop.merge(kept, ann)
    one, two = (shop.api.get(PATH.format(each)).json for each in (ann, kept))
    assert one == two
    assert "web_shop" in [found["source"] for found in one["items"]]


def test_the_sources_of_nobody_are_404_as_if_nobody_had_ever_been(shop):
    assert_same_as_never_known(shop, "GET", PATH)


def test_the_route_asks_for_its_scope(open_shop):
    assert_needs_scope(open_shop, "customers:read", "GET", PATH.format("cus_1"))
