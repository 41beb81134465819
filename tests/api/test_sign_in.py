"""Customers sign in by a link to the address on file."""

import re
import statistics
import threading
import time
from datetime import timedelta

import pytest
import structlog

from consent_service.accounts import service
from consent_service.accounts.model import Browser as Kind
from consent_service.accounts.model import digest
from consent_service.storage.unit_of_work import reading
from tests.support.pages import Browser, cookie_set, forms_of, links_in

ANNA = "anna@example.org"
SESSION = "__Host-consent_session"
ARABIC = '<html lang="ar" dir="rtl">'


@pytest.fixture(autouse=True)
def anna(make_customer):
    return make_customer(ANNA)


def test_a_customer_signs_in_by_a_link(browser, sign_in):
    assert sign_in(browser, ANNA).headers["Location"] == "/choices"
    page = browser.get("/account")
    assert page.status_code == 200
    assert ANNA in page.text
    assert "You are signed in" in page.text


def test_the_link_goes_to_the_address_on_file_in_the_customers_language(
    app, browser, make_customer, post_room
):
    make_customer("Boris@Example.org", language="ru")
    browser.submit(browser.get("/sign-in"), email=" boris@EXAMPLE.org ")
    (letter,) = post_room()
    assert letter.to == "Boris@Example.org"
    assert letter.language == "ru"
    assert 'lang="ru"' in letter.html
    assert links_in(letter.text)[0] in letter.html


def test_getting_a_link_uses_nothing_up(browser, ask_for_link):
    link = ask_for_link(browser, ANNA)
    for reader in (Browser(browser._client.application), browser, browser):
        page = reader.get(link)
        assert "Set-Cookie" not in page.headers or SESSION not in str(page.headers)
    page = browser.get(link)
    assert [form for form in forms_of(page) if form["action"] is None]
    assert browser.submit(page).status_code == 303


def test_a_link_works_once(browser, ask_for_link):
    link = ask_for_link(browser, ANNA)
    page = browser.get(link)
    assert browser.submit(page).status_code == 303
    again = Browser(browser._client.application)
    again._client._cookies.update(browser._client._cookies)
    assert again.get(link).status_code == 410
    assert again.post(link, forms_of(again.get("/account"))[0]["fields"]).status_code == 410


def test_a_link_dies_after_ten_minutes(browser, ask_for_link, clock):
    link = ask_for_link(browser, ANNA)
    page = browser.get(link)
    clock.advance(timedelta(minutes=10) - timedelta(seconds=1))
    assert browser.get(link).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert browser.get(link).status_code == 410
    assert browser.submit(page).status_code == 410


def test_time_spent_waiting_for_the_worker_counts(browser, post_room, clock):
    browser.submit(browser.get("/sign-in"), email=ANNA)
    clock.advance(timedelta(minutes=10))
    assert post_room() == []


def test_the_ten_minutes_begin_with_the_request(browser, post_room, clock):
    browser.submit(browser.get("/sign-in"), email=ANNA)
    clock.advance(timedelta(minutes=5))
    link = links_in(post_room()[0].text)[0]
    assert browser.get(link).status_code == 200
    clock.advance(timedelta(minutes=5))
    assert browser.get(link).status_code == 410


def test_signing_out_everywhere_makes_links_on_their_way_useless(
    app, browser, sign_in, ask_for_link, clock
):
    sign_in(browser, ANNA)
    clock.advance(timedelta(minutes=1))
    other = Browser(app)
    link = ask_for_link(other, ANNA)
    assert other.get(link).status_code == 200
    browser.submit(browser.get("/account"), "/sign-out/everywhere")
    assert other.get(link).status_code == 410


def test_a_link_is_bound_to_the_browser_that_asked(app, browser, ask_for_link):
    link = ask_for_link(browser, ANNA)
    thief = Browser(app)
    page = thief.get("/sign-in")
    seen = thief.get(link)
    assert seen.status_code == 403
    assert not [form for form in forms_of(seen) if form["action"] is None]
    assert thief.post(link, forms_of(page)[0]["fields"]).status_code == 403
    assert thief.get("/account").status_code == 303
    assert browser.submit(browser.get(link)).status_code == 303


def test_twenty_at_once_with_one_link_make_one_session(app, browser, ask_for_link, clock, keyring):
    token = ask_for_link(browser, ANNA).rpartition("/")[2]
    knows = browser.cookies()[SESSION]
    results, barrier = [], threading.Barrier(20)

    def use():
        with app.app_context():
            barrier.wait()
            results.append(service.use_link(token, knows, Kind.OTHER, None, clock(), keyring))

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 20
    assert len([done for done in results if done is not None]) == 1


def test_known_and_unknown_addresses_get_the_same_answer(app, post_room):
    pages = []
    for address in (ANNA, "nobody@example.org"):
        browser = Browser(app)
        reply = browser.submit(browser.get("/sign-in"), email=address)
        assert (reply.status_code, reply.headers["Location"]) == (303, "/sign-in/sent")
        page = browser.follow(reply)
        pages.append((page.status_code, page.text))
    assert pages[0] == pages[1]
    assert [letter.to for letter in post_room()] == [ANNA]


def test_known_and_unknown_addresses_take_the_same_statements(app, browser, count_statements):
    counts = []
    for address in (ANNA, "nobody@example.org"):
        page = browser.get("/sign-in")
        with count_statements() as seen:
            browser.submit(page, email=address)
        counts.append(seen)
    assert counts[0] == counts[1]


def test_known_and_unknown_addresses_take_the_same_time(app, clock):
    spent = {ANNA: [], "nobody@example.org": []}
    for _ in range(15):
        clock.advance(timedelta(minutes=10))
        for address, times in spent.items():
            browser = Browser(app)
            page = browser.get("/sign-in")
            begun = time.perf_counter()
            browser.submit(page, email=address)
            times.append(time.perf_counter() - begun)
    known, unknown = (statistics.median(times) for times in spent.values())
    assert abs(known - unknown) < 0.5 * max(known, unknown) + 0.005


@pytest.mark.parametrize("given", ["", "anna", "anna@", "@example.org", "a b@example.org"])
def test_what_cannot_be_an_address_is_asked_for_again_and_kept(browser, given):
    page = browser.submit(browser.get("/sign-in"), email=given)
    assert page.status_code == 422
    assert 'href="#email"' in page.text
    assert 'aria-invalid="true"' in page.text
    assert "<title>Error:" in page.text
    assert f'value="{given}"' in page.text


def test_nothing_personal_stands_in_an_address_or_a_log(browser, sign_in, clock):
    with structlog.testing.capture_logs() as logged:
        reply = browser.submit(browser.get("/sign-in"), email=ANNA)
        assert "anna" not in reply.headers["Location"]
        done = sign_in(browser, ANNA)
    assert "anna" not in done.headers["Location"]
    assert "anna" not in repr(logged)


def test_only_hashes_are_stored(app, browser, ask_for_link):
    link = ask_for_link(browser, ANNA)
    token = link.rpartition("/")[2]
    cookie = browser.submit(browser.get(link)) and browser.cookies()[SESSION]
    with app.app_context(), reading() as tx:
        rows = [
            repr(tx.exec_driver_sql(f"SELECT * FROM {table}").all())  # noqa: S608  # our own tables
            for table in ("sessions", "sign_in_links", "sign_in_requests", "mail_outbox")
        ]
    stored = "".join(rows)
    assert token not in stored
    assert cookie not in stored
    assert "anna" not in stored
    assert len(digest(cookie)) == 32


def test_the_page_asked_for_comes_after_the_sign_in(browser, sign_in):
    reply = sign_in(browser, ANNA, "/sign-in?next=/oauth/authorize%3Fclient_id%3Dapp%26state%3D1")
    assert reply.headers["Location"] == "/oauth/authorize?client_id=app&state=1"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/%09/evil.example\t",
        "/a\r\nLocation: https://evil.example",
        "http:evil.example",
        "",
    ],
)
def test_no_other_site_comes_after_the_sign_in(browser, post_room, elsewhere):
    browser.submit(browser.get("/sign-in"), email=ANNA, next=elsewhere)
    link = links_in(post_room()[0].text)[0]
    assert browser.submit(browser.get(link)).headers["Location"] == "/choices"


def test_lower_rooms_are_told_who_is_signed_in(app, browser, sign_in, anna):
    who, where = (app.extensions[f"consent.{n}"] for n in ("signed_in_customer", "sign_in_path"))

    @app.get("/who")
    def show():
        return str(who())

    assert browser.get("/who").text == "None"
    sign_in(browser, ANNA)
    assert browser.get("/who").text == str(anna)
    assert where("/oauth/authorize?a=b") == "/sign-in?next=%2Foauth%2Fauthorize%3Fa%3Db"


def test_whoever_is_signed_in_and_must_be_fresh_types_nothing_again(
    browser, sign_in, post_room, clock
):
    sign_in(browser, ANNA)
    clock.advance(timedelta(minutes=6))
    page = browser.get("/sign-in?next=/account")
    assert ANNA in page.text
    assert "email" not in forms_of(page)[0]["fields"]
    browser.submit(page)
    link = links_in(post_room()[0].text)[0]
    before = browser.cookies()[SESSION]
    assert browser.submit(browser.get(link)).status_code == 303
    assert browser.cookies()[SESSION] != before


@pytest.mark.parametrize(
    ("asked", "shown", "direction"),
    [
        ("ru-RU,ru;q=0.9", "ru", "ltr"),
        ("zh-CN", "zh-Hans", "ltr"),
        ("ar-EG,en;q=0.5", "ar", "rtl"),
        ("de", "en", "ltr"),
        ("zh-TW,ru;q=0.2", "ru", "ltr"),
    ],
)
def test_a_page_is_in_the_language_asked_for(app, asked, shown, direction):
    page = Browser(app, language=asked).get("/sign-in")
    assert f'<html lang="{shown}" dir="{direction}">' in page.text


def test_the_language_chosen_on_a_page_stays(browser):
    switch = re.findall(r'href="([^"]+)" hreflang="ar"', browser.get("/sign-in?next=/account").text)
    assert switch == ["/sign-in?next=%2Faccount&amp;lang=ar"]
    knows = browser.cookies()[SESSION]
    assert ARABIC in browser.get("/sign-in?next=%2Faccount&lang=ar").text
    assert ARABIC in browser.get("/sign-in").text
    assert browser.cookies() == {SESSION: f"{knows}.ar"}


def test_it_stays_through_sign_in_and_sign_out(anna, browser, sign_in):
    browser.get("/sign-in/sent?lang=ar")
    assert browser.cookies() == {SESSION: ".ar"}
    sign_in(browser, ANNA)
    page = browser.get("/account")
    assert ARABIC in page.text
    assert ARABIC in browser.follow(browser.submit(page, "/sign-out")).text
    assert browser.get("/account").status_code == 303
    assert set(browser.cookies()) == {SESSION}


PUBLIC = ["/sign-in/sent", "/nothing", "/unsubscribe/nothing", "/requests/confirmed"]


@pytest.mark.parametrize("path", PUBLIC)
def test_there_is_no_cookie_before_it_is_needed(browser, path):
    browser.get(path)
    browser.get(path + "?lang=en")  # as the browser asks for anyway
    browser.post("/unsubscribe/nothing")
    assert browser.cookies() == {}


def test_another_site_neither_signs_out_nor_chooses(anna, app, browser, sign_in):
    """Its form comes without our cookie: an answer that set one would put an end to the session."""
    sign_in(browser, ANNA)
    for path in ("/sign-out?lang=ar", "/unsubscribe/nothing?lang=ar", "/nothing?lang=ar"):
        reply = Browser(app).post(path, headers={"Sec-Fetch-Site": "cross-site"})
        assert cookie_set(reply, SESSION) is None


@pytest.mark.parametrize("asked", ["xx", "", "ar%0d%0aX: y", "AR", "%D9", "ar&lang=ru"])
def test_a_language_that_is_none_of_ours_is_not_kept(browser, asked):
    page = browser.get(f"/sign-in/sent?lang={asked}")
    assert page.status_code == 200
    assert set(browser.cookies()) <= ({SESSION} if asked.startswith("ar&") else set())


@pytest.mark.parametrize("kept", ["a.b.c", "x" * 200, "é", "secret.<b>", "=;,"])
def test_a_cookie_that_is_none_of_ours_is_nothing(browser, kept):
    reply = browser.get("/sign-in/sent?lang=ar", headers={"Cookie": f"{SESSION}={kept}"})
    assert cookie_set(reply, SESSION).startswith(f"{SESSION}=.ar;")


@pytest.mark.parametrize(
    "path", ["//evil.example/x", "/%5Cevil.example", "/nothing/%22%3E%3Cb%3E", "/é"]
)
def test_the_switch_leads_to_this_site(browser, path):
    for href in re.findall(r'href="([^"]+)" hreflang', browser.get(path).text):
        assert re.match(r"/(?![/\\])[^<>\"]*$", href), href


def test_an_answer_is_in_the_language_of_its_form(anna, browser, sign_in):
    """Even if another one was chosen meanwhile, in another window."""
    sign_in(browser, ANNA)
    form = next(
        f
        for f in forms_of(browser.get("/data/correct?lang=ar"))
        if "note" in f["fields"] or "csrf_token" in f["fields"]
    )
    browser.get("/sign-in/sent?lang=en")
    assert ARABIC in browser.post("/data/correct", {**form["fields"], "note": "x" * 4_001}).text
    assert ARABIC not in browser.get("/data/correct").text
