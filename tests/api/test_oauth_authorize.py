"""The page on which a customer answers an app, and where it leads."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from consent_service.kernel.actors import SYSTEM
from consent_service.oauth import pages
from consent_service.oauth import service as oauth
from consent_service.oauth.grant_model import GRANT_LIFETIME
from consent_service.oauth.model import ClientChanges
from tests.support.oauth import REDIRECT, LoyaltyApp, add_customer, challenge_of, told


@pytest.fixture
def loyalty(app, clock):
    made = LoyaltyApp(app, clock)
    made.signed_in = add_customer(app, clock)
    return made


def text_of(page):
    return page.get_data(as_text=True)


def test_the_page_names_the_app_what_it_may_do_and_for_how_long(loyalty):
    page = loyalty.open()
    assert page.status_code == 200
    for said in ("Loyalty", "see your profile", "see what you agreed to", "90 days"):
        assert said in text_of(page)
    assert "agree, refuse and withdraw" not in text_of(page)
    assert timedelta(days=90) == GRANT_LIFETIME


def test_both_answers_are_the_same_kind_of_button(loyalty):
    page = text_of(loyalty.open())
    assert '<button name="answer" value="allow">' in page
    assert '<button name="answer" value="refuse">' in page


@pytest.mark.parametrize(
    ("asked", "language", "direction", "said"),
    [
        ("ru", "ru", "ltr", "Разрешить"),
        ("zh-CN", "zh-Hans", "ltr", "允许"),
        ("ar-EG", "ar", "rtl", "السماح"),
        ("xx", "en", "ltr", "Allow"),
    ],
)
def test_the_page_speaks_the_customers_language(loyalty, asked, language, direction, said):
    loyalty.browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = asked
    page = text_of(loyalty.open())
    assert f'<html lang="{language}" dir="{direction}">' in page
    assert said in page


def test_the_page_runs_no_script_and_is_framed_by_nobody(loyalty):
    page = loyalty.open()
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example.org;" in policy
    assert "unsafe" not in policy
    assert "<script" not in text_of(page)
    assert "style=" not in text_of(page)
    assert page.headers["Cache-Control"] == "no-store"


def test_the_name_of_an_app_is_text_and_nothing_else(app, clock):
    loyalty = LoyaltyApp(app, clock, title="<b>Best</b>")
    loyalty.signed_in = add_customer(app, clock)
    assert "&lt;b&gt;Best" in text_of(loyalty.open())
    assert "<b>Best" not in text_of(loyalty.open())


def test_the_page_names_what_is_asked_for_and_nothing_else(loyalty):
    page = text_of(loyalty.open(scope="consents:read"))
    assert "see what you agreed to" in page
    assert "see your profile" not in page


def test_the_page_says_where_the_answer_leads(loyalty):
    assert '<bdi dir="ltr">https://app.example.org</bdi>' in text_of(loyalty.open())


def test_a_yes_leads_back_with_a_code_the_state_and_who_answers(loyalty):
    reply = loyalty.answer()
    assert reply.status_code == 303
    assert reply.headers["Location"].startswith(REDIRECT + "?")
    answer = told(reply)
    assert answer.keys() == {"code", "state", "iss"}
    assert answer["state"] == "s-1"
    metadata = loyalty.browser.get("/.well-known/oauth-authorization-server").json
    assert answer["iss"] == metadata["issuer"]
    assert answer["code"] not in text_of(reply)


@pytest.mark.parametrize("answer", ["refuse", "", "Allow", "allow "])
def test_everything_else_is_a_no(loyalty, answer):
    said = told(loyalty.answer(answer))
    assert (said["error"], said["state"]) == ("access_denied", "s-1")
    assert "iss" in said


def test_who_is_not_signed_in_signs_in_first_and_comes_back(loyalty):
    loyalty.signed_in = None
    reply = loyalty.open()
    assert reply.status_code == 303
    assert reply.headers["Location"].startswith("/sign-in?next=/oauth/authorize?")


def test_a_yes_without_the_pages_own_form_is_refused(loyalty):
    for extra in ({}, {"csrf_token": "wrong"}):
        reply = loyalty.browser.post(
            "/oauth/authorize", query_string=loyalty.asks(), data={"answer": "allow", **extra}
        )
        assert reply.status_code == 403
        assert "Location" not in reply.headers


def test_opening_the_page_allows_nothing(app, loyalty):
    loyalty.open(answer="allow")
    reply = loyalty.browser.get(
        "/oauth/authorize", query_string={**loyalty.asks(), "answer": "allow"}
    )
    assert reply.status_code == 200
    assert "Location" not in reply.headers


@pytest.mark.parametrize(
    "redirect",
    [
        None,
        "",
        REDIRECT + "/",
        REDIRECT + "?x=1",
        REDIRECT + "#",
        REDIRECT.upper(),
        "https://app.example.org/back/../back",
        "https://app.example.org.evil.example/back",
        "https://app.example.org@evil.example/back",
        "http://app.example.org/back",
        "//app.example.org/back",
        'https://app.example.org/back"\\',
    ],
)
@pytest.mark.parametrize("broken", [{}, {"response_type": "token"}, {"code_challenge": None}])
def test_an_address_that_is_not_registered_letter_by_letter_leads_nowhere(
    loyalty, redirect, broken
):
    reply = loyalty.open(redirect_uri=redirect, **broken)
    assert reply.status_code == 400
    assert "Location" not in reply.headers
    assert not re.search(r'(href|action|src)="(?!/\w)[^"]*evil', text_of(reply))


@pytest.mark.parametrize("client_id", ["nobody", None, "website", "x" * 5_000])
def test_an_unknown_client_or_a_service_leads_nowhere(loyalty, make_client, client_id):
    make_client("website", ["customers:read"])
    reply = loyalty.open(client_id=client_id)
    assert reply.status_code == 400
    assert "Location" not in reply.headers


def test_a_disabled_app_leads_nowhere(app, loyalty, clock):
    with app.app_context():
        oauth.disable_client("loyalty", SYSTEM, clock())
    assert loyalty.open().status_code == 400


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_repeated_address_or_client_leads_nowhere(loyalty, name):
    asks = loyalty.asks()
    asks[name] = [asks[name], asks[name]]
    reply = loyalty.browser.get("/oauth/authorize", query_string=asks)
    assert reply.status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": 'id_token"\\'}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "x"}, "invalid_request"),
        ({"request_uri": "https://evil.example"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": challenge_of("x") + "="}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"scope": "no:scope"}, "invalid_scope"),
        ({"scope": "consents:read clients:manage"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "consents:write"}, "invalid_scope"),
    ],
)
def test_a_fault_is_told_to_the_app(loyalty, changes, error):
    reply = loyalty.open(**changes)
    assert reply.status_code == 303
    assert reply.headers["Location"].startswith(REDIRECT + "?")
    assert told(reply)["error"] == error
    assert told(reply)["state"] == "s-1"
    assert "iss" in told(reply)
    assert "code" not in told(reply)


@pytest.mark.parametrize(
    "name", ["response_type", "scope", "state", "code_challenge", "code_challenge_method"]
)
def test_a_parameter_that_stands_twice_is_refused(loyalty, name):
    asks = loyalty.asks()
    asks[name] = [asks[name], asks[name]]
    reply = loyalty.browser.get("/oauth/authorize", query_string=asks)
    assert told(reply)["error"] == "invalid_request"


def test_no_scope_is_every_scope_of_the_app(loyalty):
    assert loyalty.tokens(scope=None)["scope"] == "consents:read customers:read"


def test_a_state_can_hold_anything(loyalty):
    state = 'a&b=c#d"<é%0d%0aSet-Cookie: x=1\r\nX: y'
    reply = loyalty.answer(state=state)
    assert told(reply)["state"] == state
    assert "X" not in reply.headers
    assert "state" not in told(loyalty.answer(state=None))


def test_the_answer_adds_to_a_query_that_is_registered(app, clock):
    loyalty = LoyaltyApp(app, clock)
    loyalty.signed_in = add_customer(app, clock)
    with app.app_context():
        changes = ClientChanges(redirect_uris=("https://app.example.org/back?tenant=1",))
        oauth.change_client("loyalty", changes, SYSTEM, clock())
    reply = loyalty.answer(redirect_uri="https://app.example.org/back?tenant=1")
    assert told(reply)["tenant"] == "1"
    assert "code" in told(reply)


def test_a_customer_who_signs_in_by_the_link_comes_back_and_answers(
    app, clock, make_customer, browser, sign_in
):
    """The whole way: the app, the sign-in page, the letter, the question, the code."""
    signed_in = app.extensions[pages.SIGNED_IN], app.extensions[pages.SIGN_IN_PATH]
    loyalty = LoyaltyApp(app, clock)
    app.extensions[pages.SIGNED_IN], app.extensions[pages.SIGN_IN_PATH] = signed_in
    make_customer("anna@example.org")
    asked = "/oauth/authorize?" + urlencode(loyalty.asks())
    led = browser.get(asked).headers["Location"]
    assert led.startswith("/sign-in?")
    back = sign_in(browser, "anna@example.org", led)
    assert back.headers["Location"] == asked
    reply = browser.submit(browser.get(asked), press={"answer": "allow"})
    assert loyalty.redeem(told(reply)["code"]).status_code == 200
