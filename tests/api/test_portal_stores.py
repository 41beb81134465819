"""What the portal asks of a store, on each kind: answers at the same moment, lists from the newest
on, months counted."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from consent_service.accounts import jobs
from consent_service.consents import jobs as consents_jobs
from consent_service.mail import service as mail
from consent_service.web.cookies import SESSION
from tests.support.pages import links_in
from tests.support.portal import Person


def test_of_the_same_form_sent_at_once_one_is_recorded(app, clock, shop):
    anna = shop.customer()
    person = Person(app, clock, anna)
    form = {**person.form(), "news/email": "yes", "ads": "no"}
    copies = [Person(app, clock, anna) for _ in range(4)]
    for copy in copies:
        copy.browser.take_cookie(SESSION, person.browser.cookies()[SESSION])
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda copy: copy.browser.post("/choices", form), copies))
    assert {reply.status_code for reply in replies} == {303}
    assert len({reply.headers["Location"] for reply in replies}) == 1
    assert len(shop.history(anna)) == 2


def test_a_yes_and_a_no_at_once_leave_the_no(app, clock, shop):
    anna = shop.customer()
    yes, no = Person(app, clock, anna), Person(app, clock, anna)
    forms = [
        (yes, {**yes.form(), "news/email": "yes"}),
        (no, {**no.form(), "news/email": "no"}),
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda each: each[0].browser.post("/choices", each[1]), forms))
    assert shop.reason(anna) in ("refused", "withdrawn")


def test_the_record_from_the_newest_on_and_by_month(app, clock, shop):
    anna, other = shop.customer(), shop.customer()
    person = Person(app, clock, anna)
    for at in range(25):
        clock.advance(timedelta(days=1))
        shop.check(anna, ["news", "recalls"][at % 2])
        shop.check(other)
    person.sign_in()
    text = person.get("/use").text
    ids = re.findall(r"/use/([0-9a-f]{32})/statement", text)
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 20
    assert "Allowed: 12. Not allowed: 13." in text
    march = re.search(r"March 2026</th>(.*?)</tr>", text)[1]
    assert re.findall(r">(\d+)<", march) == ["12", "13", "0", "0"]
    assert person.get("/use?purpose=recalls").text.count("/statement") == 12
    assert "Allowed: 0. Not allowed: 0." in person.get("/use?to=2020-01-01").text


def test_the_history_from_the_newest_on(app, clock, shop):
    anna = shop.customer()
    person = Person(app, clock, anna)
    for kind in ("given", "withdrawn", "renewed"):
        clock.advance(timedelta(seconds=1))
        shop.say(anna, kind)
        shop.say(anna, "refused", "ads")
    text = person.get("/choices/history/news").text
    said = re.findall(r"<strong>(Yes, renewed|No, withdrawn|Yes)</strong>", text)
    assert said == ["Yes, renewed", "No, withdrawn", "Yes"]


def test_a_link_is_used_once_however_many_press(app, clock, shop):
    anna = shop.customer("anna@example.org")
    shop.say(anna, "given", "texts")
    with app.app_context():
        consents_jobs.send_confirmations(clock())
        ((_, letter),) = mail.list_newest(jobs.key_of, 1)
    (link,) = {path for path in links_in(letter.text) if path.startswith("/choices/confirm/")}
    clock.advance(timedelta(seconds=1))
    people = [Person(app, clock, shop.customer()) for _ in range(4)]
    pages = [(each, each.get(link)) for each in people]
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda each: each[0].browser.submit(each[1]), pages))
    assert sorted(reply.status_code for reply in replies) == [303, 410, 410, 410]
    assert [event["event"] for event in shop.history(anna)] == ["requested", "given"]


def test_a_mail_sent_often_has_one_link_and_many_presses_are_one_no(app, clock, shop):
    anna, other = shop.customer(), shop.customer()
    body = {"mailings": [{"customer_id": who, "purpose": "news"} for who in (anna, other)]}
    with ThreadPoolExecutor(4) as pool:
        shop.api.get("/v1/purposes")
        made = list(pool.map(lambda _: shop.api.post("/v1/preference-links", body).json, range(4)))
    (urls,) = {tuple(each["unsubscribe_url"] for each in one["results"]) for one in made}
    assert len(shop.rows("unsubscribe_links")) == 2
    shop.say(anna, "given")
    path = urls[0].removeprefix("http://127.0.0.1:8000")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: app.test_client().post(path), range(4)))
    assert [event["event"] for event in shop.history(anna)] == ["given", "withdrawn"]
    shop.merge(other, anna)
    assert {row["token"] is None for row in shop.rows("unsubscribe_links")} == {True, False}
    assert app.test_client().post(path).status_code == 200
