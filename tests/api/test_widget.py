"""The preference widget's side of the service: sites that are named, devices, and taking over."""

import gzip
import re
from datetime import timedelta

import pytest

from consent_service.kernel.ids import parse_customer_id
from consent_service.personal_data import service as personal_data
from consent_service.portal.widget_pages import SCRIPT
from tests.support.pages import Browser
from tests.support.portal import Person
from tests.support.problems import fault
from tests.support.small_catalogue import PURPOSES, document

SITE = "https://shop.example.org"
DEVICE = "dev-0123456789abcdef0123456789abcdef"


@pytest.fixture(params=["sqlite"])
def store(request):
    """What depends on the store is tried in test_portal_stores.py."""
    with request.getfixturevalue("sqlite_stores").fresh() as url:
        yield url


@pytest.fixture
def catalogue():
    touchpoints = document()["touchpoints"]
    touchpoints[1]["origins"] = [SITE, "http://localhost:8123"]  # that of "store"
    return {"touchpoints": touchpoints}


@pytest.fixture
def shop(shop, catalogue):
    shop.load(**catalogue)
    return shop


@pytest.fixture
def widget(api):
    """`widget(path, …)`: what the script sends from a site that is named."""
    anybody = api()

    def send(path, origin=SITE, **body):
        return anybody.post(f"/v1/widget/{path}", body, headers={"Origin": origin})

    return send


@pytest.fixture
def choose(widget, shop):
    """`choose("yes", purpose, …)`: an answer to a purpose as it was shown."""

    def send(answer, purpose="news", channel="email", **more):
        body = {"purpose": purpose, "device": DEVICE, "language": "en", "notice_version": "1"}
        return widget(
            "choices", **{**body, "answers": [{"channel": channel, "answer": answer}], **more}
        )

    return send


def look(widget, purpose="news", **more):
    reply = widget("look", purpose=purpose, language="en", **more)
    assert reply.status_code == 200, reply.json
    return reply.json


def device(shop):
    found = {"identifier": {"type": "device", "value": DEVICE}}
    return shop.api.post("/v1/customers/lookup", found).json.get("id")


def test_looking_says_what_is_asked_and_makes_nobody(widget, shop):
    before = shop.counts()
    found = look(widget)
    assert (found["title"], found["notice"], found["notice_version"]) == ("news", "Notice 1", "1")
    (use,) = found["uses"]
    assert use == {
        "channel": "email", "label": "By e-mail", "answer": None, "asked": True,
        "state": "You have not answered yet. It is not used.",
    }  # fmt: skip
    assert look(widget, device=DEVICE)["uses"] == found["uses"]
    assert shop.counts() == before


def test_an_answer_counts_for_the_device(widget, choose, shop):
    reply = choose("yes")
    assert reply.status_code == 200, reply.json
    assert reply.json["uses"][0]["answer"] == "yes"
    assert (reply.json["anonymous"], reply.json["sign_in"]) == (True, False)
    assert len(reply.json["reference"]) == 14
    anonymous = device(shop)
    assert shop.reason(anonymous) == "consent_given"
    assert look(widget, device=DEVICE)["uses"][0]["answer"] == "yes"
    (event,) = shop.history(anonymous)
    assert (event["actor"], event["touchpoint"]) == ("customer:device", "store")
    assert (event["notice_version"], event["language"]) == ("1", "en")
    choose("no")
    assert shop.reason(anonymous) == "withdrawn"


def test_a_yes_is_to_what_was_shown(choose, shop):
    late = choose("yes", notice_version="legacy")
    assert (late.status_code, late.json["code"]) == (409, "not_as_shown")
    assert device(shop) is None
    assert choose("no", notice_version="legacy").status_code == 200


@pytest.mark.parametrize("path", ["look", "choices", "ties"])
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.org", "null", "", SITE + ".evil.example", "http://shop.example.org"],
)
def test_a_site_that_is_not_named_gets_no_leave_and_records_nothing(api, shop, path, origin):
    anybody, before = api(), shop.counts()
    bodies = {
        "look": {"purpose": "news", "language": "en"},
        "choices": {
            "purpose": "news", "language": "en", "device": DEVICE, "notice_version": "1",
            "answers": [{"channel": "email", "answer": "no"}],
        },
        "ties": {"device": DEVICE},
    }  # fmt: skip
    reply = anybody.post(f"/v1/widget/{path}", bodies[path], headers={"Origin": origin})
    assert (reply.status_code, reply.json["code"]) == (403, "unknown_site")
    assert not [name for name, _ in reply.headers if name.startswith("Access-Control")]
    assert shop.counts() == before


def test_who_may_ask_is_said_before(client, shop):
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    said = client.options("/v1/widget/choices", headers={"Origin": SITE, **asked})
    assert said.headers["Access-Control-Allow-Origin"] == SITE
    assert said.headers["Access-Control-Allow-Headers"] == "Content-Type"
    assert "Access-Control-Allow-Credentials" not in said.headers
    assert "Origin" in said.headers["Vary"]
    other = client.options("/v1/widget/choices", headers={"Origin": "https://x.example", **asked})
    assert not [name for name, _ in other.headers if name.startswith("Access-Control")]
    assert "Origin" in other.headers["Vary"]


def test_a_site_is_out_as_soon_as_the_catalogue_says_so(widget, shop):
    assert widget("look", purpose="news", language="en").status_code == 200
    shop.load()
    assert widget("look", purpose="news", language="en").status_code == 403


def test_no_other_route_takes_a_site(client, shop):
    for path in ("/v1/purposes", "/choices", "/privacy", "/healthz", "/widget.js"):
        reply = client.get(path, headers={"Origin": SITE})
        assert "Access-Control-Allow-Origin" not in reply.headers


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"device": "short"}, "/device"),
        ({"device": "x" * 129}, "/device"),
        ({"purpose": "nothing"}, "/purpose"),
        ({"language": "<b>"}, "/language"),
        ({"answers": []}, "/answers"),
        ({"answers": [{"channel": "fax", "answer": "no"}]}, "/answers/0/channel"),
        ({"answers": [{"channel": None, "answer": "maybe"}]}, "/answers/0/answer"),
        ({"customer_id": "cus_1"}, "/customer_id"),
    ],
)
def test_what_is_wrong_is_said(choose, shop, changes, where):
    before = shop.counts()
    assert fault(choose("no", **changes))[0] == where
    assert shop.counts() == before


def test_a_signal_of_the_browser_counts_for_the_device(api, shop):
    body = {
        "purpose": "ads", "language": "en", "device": DEVICE, "notice_version": "1",
        "answers": [{"channel": None, "answer": "no"}],
    }  # fmt: skip
    headers = {"Origin": SITE, "Sec-GPC": "1"}
    reply = api().post("/v1/widget/choices", body, headers=headers)
    assert reply.json["gpc"] is True
    found = shop.api.get(f"/v1/customers/{device(shop)}").json
    assert found["gpc_since"] == shop.at()


def test_one_who_signs_in_takes_the_choices_over(app, clock, widget, choose, shop):
    anna = shop.customer("anna@example.org")
    shop.say(anna, "refused", "offers", channel="email")
    shop.say(anna, "given", "offers", channel="sms")
    choose("yes")
    choose("yes", "offers", "email")
    choose("no", "offers", "sms")
    person = Person(app, clock, anna)
    page, path = tie(person, widget)
    for shown in ("news", "offers", "You said yes"):
        assert shown in page.text
    assert shop.reason(anna) == "no_record"  # looking changes nothing
    done = person.browser.follow(press(person, page, path))
    assert "Your choices are together now" in done.text
    assert device(shop) == anna
    assert shop.reason(anna) == "consent_given"
    assert shop.reason(anna, "offers", channel="email") == "refused"
    assert shop.reason(anna, "offers", channel="sms") in ("refused", "withdrawn")
    assert person.get(path).status_code == 410
    assert press(person, page, path).status_code == 410


def press(person, page, path):
    """The button, on a page that may be long open."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
    return person.browser.post(path, {"csrf_token": token})


def tie(person, widget):
    reply = widget("ties", device=DEVICE)
    assert reply.status_code == 200
    path = reply.json["url"].removeprefix("http://127.0.0.1:8000")
    assert DEVICE not in path
    page = person.get(path)
    return page, path


def test_after_that_a_no_counts_at_once_and_a_yes_wants_a_sign_in(app, clock, widget, choose, shop):
    anna = shop.customer("anna@example.org")
    choose("yes")
    person = Person(app, clock, anna)
    page, path = tie(person, widget)
    press(person, page, path)
    clock.advance(timedelta(seconds=1))
    reply = choose("no")
    assert (reply.json["sign_in"], shop.reason(anna)) == (False, "withdrawn")
    assert reply.json["anonymous"] is False
    clock.advance(timedelta(seconds=1))
    reply = choose("yes")
    assert (reply.status_code, reply.json["sign_in"]) == (200, True)
    assert shop.reason(anna) == "withdrawn"


def test_nobody_takes_over_what_is_somebody_elses(app, clock, widget, choose, shop):
    anna, ben = shop.customer("anna@example.org"), shop.customer("ben@example.org")
    choose("no")
    early = widget("ties", device=DEVICE).json["url"].removeprefix("http://127.0.0.1:8000")
    person = Person(app, clock, anna)
    page, path = tie(person, widget)
    bens = Person(app, clock, ben)
    seen = bens.get(early)
    assert seen.status_code == 200
    press(person, page, path)
    assert bens.get(early).status_code == 410
    assert press(bens, seen, early).status_code == 410
    again = tie(bens, widget)
    assert again[0].status_code == 410
    assert shop.api.get(f"/v1/customers/{ben}").status_code == 200
    assert device(shop) == anna


def test_a_pass_lasts_an_hour_and_wants_a_sign_in(app, clock, widget, choose, shop):
    choose("no")
    path = widget("ties", device=DEVICE).json["url"].removeprefix("http://127.0.0.1:8000")
    stranger = Browser(app)
    assert stranger.get(path).headers["Location"].startswith("/sign-in?next=%2Fdevices%2F")
    person = Person(app, clock, shop.customer("anna@example.org"))
    assert person.get(path).status_code == 200
    assert person.get(path[:-4] + "AAAA").status_code == 410
    clock.advance(timedelta(hours=1))
    person.sign_in()
    assert person.get(path).status_code == 410
    assert widget("ties", device=DEVICE[:-1] + "0").status_code == 404


def test_a_device_that_was_erased_is_a_new_one(app, clock, choose, shop):
    choose("yes")
    first = device(shop)
    with app.app_context():
        personal_data.erase([parse_customer_id(first)], clock())
    assert choose("no").status_code == 200
    assert device(shop) not in (None, first)


def test_an_address_chooses_so_often_and_no_more(choose):
    for _ in range(60):
        assert choose("no").status_code == 200
    assert choose("no").status_code == 429


def test_the_script_is_small_whole_and_everybodys(client):
    assert len(gzip.compress(SCRIPT, 9)) < 12 * 1024
    reply = client.get("/widget.js", headers={"Origin": "https://anywhere.example"})
    assert reply.data == SCRIPT
    assert reply.mimetype == "text/javascript"
    assert reply.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in reply.headers
    kept = client.get("/widget.js", headers={"If-None-Match": reply.headers["ETag"]})
    assert kept.status_code == 304
    text = SCRIPT.decode()
    for never in ("document.cookie", "innerHTML", "eval(", "import ", "http:", "sendBeacon"):
        assert never not in text


@pytest.mark.parametrize(
    ("origins", "code"),
    [
        (["http://shop.example.org"], "invalid"),
        (["https://shop.example.org/"], "invalid"),
        (["https://*.example.org"], "invalid"),
        (["null"], "invalid"),
        ([SITE, SITE], "repeated"),
        (SITE, "wrong_type"),
    ],
)
def test_a_catalogue_names_sites_exactly(shop, catalogue, origins, code):
    catalogue["touchpoints"][0]["origins"] = origins
    whole = document(*PURPOSES, **catalogue)
    reply = shop.api.put("/v1/catalogue", whole, query_string={"dry_run": "true"})
    assert reply.status_code == 422
    assert code in {each["code"] for each in reply.json["errors"]}


def test_a_site_is_of_one_touchpoint(shop, catalogue):
    catalogue["touchpoints"][0]["origins"] = [SITE]
    reply = shop.api.put("/v1/catalogue", document(**catalogue), query_string={"dry_run": "true"})
    assert fault(reply) == ("/touchpoints/1/origins/0", "repeated")
