"""How easy was this: asked once a session, counted by month, and nobody's."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from consent_service.web.cookies import SESSION
from tests.support.portal import Person
from tests.support.problems import assert_needs_scope

ASKED = "How easy was this?"


@pytest.fixture
def person(app, clock, shop):
    return Person(app, clock, shop.customer())


def choose(person, **answers):
    return person.follow(person.choose(answers or {"news/email": "yes"}))


def send(person, page, score):
    return person.browser.submit(page, "/effort", score=score)


def counts(shop):
    reply = shop.api.get("/v1/reports/effort")
    assert reply.status_code == 200
    return [tuple(item.values()) for item in reply.json["items"]]


def test_it_is_asked_after_a_first_choice_and_counted_without_a_name(person, shop, clock):
    page = choose(person)
    assert ASKED in page.text
    assert ASKED not in person.get(page.request.path).text
    done = person.follow(send(person, page, "6"))
    assert "Thank you" in done.text
    assert counts(shop) == [("2026-03", "choice", 6, 1)]
    assert shop.rows("effort_counts") == [
        {"month": "2026-03", "about": "choice", "score": 6, "answers": 1}
    ]
    assert send(person, page, "1").status_code == 303  # sent twice is counted once
    assert counts(shop) == [("2026-03", "choice", 6, 1)]
    clock.advance(timedelta(minutes=1))
    assert ASKED not in choose(person, ads="no").text


def test_it_is_asked_after_a_request_and_once_a_session(person, shop, clock, app):
    path = "/requests"
    form = person.form(path)
    page = person.follow(person.browser.post(path, {**form, "kind": "objection"}))
    assert ASKED in page.text
    send(person, page, "2")
    assert ASKED not in choose(person).text
    again = Person(app, clock, shop.customer())
    page = choose(again)
    send(again, page, "2")
    assert sorted(counts(shop)) == [("2026-03", "choice", 2, 1), ("2026-03", "request", 2, 1)]


def test_of_a_later_choice_it_is_not_asked(person, shop):
    shop.say(person.customer, "given", "texts")
    assert ASKED not in choose(person).text


@pytest.mark.parametrize("score", ["0", "8", "x", "", "-1", "٣", "9" * 5_000])
def test_what_is_no_score_is_counted_for_nothing(person, shop, score):
    page = choose(person)
    assert send(person, page, score).status_code in (404, 422)
    assert counts(shop) == []
    assert send(person, page, "7").status_code == 303
    assert counts(shop) == [("2026-03", "choice", 7, 1)]


def test_whoever_was_not_asked_has_no_say(person, shop):
    form = {**person.form(), "about": "choice", "score": "7"}
    assert person.browser.post("/effort", form).status_code == 303
    assert counts(shop) == []


def test_many_at_once_are_all_counted_and_each_once(app, clock, shop):
    people = [Person(app, clock, shop.customer()) for _ in range(4)]
    pages = [choose(each) for each in people]
    token = people[0].browser.cookies()[SESSION]
    copy = Person(app, clock, people[0].customer)
    copy.browser.take_cookie(SESSION, token)
    both = [*zip(people, pages, strict=True), (copy, pages[0])]
    with ThreadPoolExecutor(5) as pool:
        replies = list(pool.map(lambda each: send(*each, "5"), both))
    assert {reply.status_code for reply in replies} == {303}
    assert counts(shop) == [("2026-03", "choice", 5, 4)]


def test_the_report_needs_its_scope(open_shop):
    assert_needs_scope(open_shop, "reports:read", "GET", "/v1/reports/effort")
