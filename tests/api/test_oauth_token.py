from datetime import timedelta

import pytest

from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.errors import NotFound
from consent_service.oauth import service as oauth
from consent_service.oauth.model import ACCESS_TOKEN_LIFETIME
from consent_service.storage.db import Base
from consent_service.storage.unit_of_work import reading

SCOPES = {"catalogue:read", "customers:read"}
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def website(make_client):
    return make_client("website", SCOPES)


@pytest.fixture
def ask(client, contract):
    """Asks for a token; the reply is held against the document."""

    def send(form, credentials=None, **more):
        reply = client.post("/oauth/token", data=form, auth=credentials, **more)
        contract.check(reply)
        return reply

    return send


@pytest.fixture
def get_with(client):
    """A request that any live token may make, by its status."""

    def get(token):
        headers = {"Authorization": f"Bearer {token}"}
        return client.get("/v1/catalogue", headers=headers).status_code

    return get


def basic(made):
    return (made.client_id, made.secret)


def post(made):
    return {"client_id": made.client_id, "client_secret": made.secret}


def test_a_client_gets_a_token_by_basic(ask, website, get_with):
    reply = ask(GRANT, basic(website))
    assert reply.status_code == 200
    assert reply.json["token_type"] == "Bearer"
    assert reply.json["expires_in"] == ACCESS_TOKEN_LIFETIME.total_seconds() == 600
    assert reply.json["scope"] == "catalogue:read customers:read"
    assert len(reply.json["access_token"]) == 43
    assert get_with(reply.json["access_token"]) != 401


def test_a_client_gets_a_token_by_post(ask, website, get_with):
    reply = ask({**GRANT, **post(website)})
    assert reply.status_code == 200
    assert get_with(reply.json["access_token"]) != 401


def test_every_token_is_another(ask, website):
    made = {ask(GRANT, basic(website)).json["access_token"] for _ in range(5)}
    assert len(made) == 5


@pytest.mark.parametrize("good", [True, False])
def test_no_answer_is_kept_by_anybody(ask, website, good):
    reply = ask(GRANT, basic(website) if good else ("website", "wrong"))
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Pragma"] == "no-cache"


def test_wrong_secret_and_unknown_client_look_alike(ask, website):
    replies = [
        ask(GRANT, ("website", "wrong")),
        ask(GRANT, ("nobody", website.secret)),
        ask(GRANT, ("", "")),
        ask({**GRANT, "client_id": "website", "client_secret": "wrong"}),
        ask({**GRANT, "client_id": "nobody", "client_secret": website.secret}),
    ]
    seen = {
        (reply.status_code, reply.data, reply.headers.get("WWW-Authenticate")) for reply in replies
    }
    assert len(seen) == 1
    assert replies[0].status_code == 401
    assert replies[0].json["error"] == "invalid_client"
    assert replies[0].json["error_description"] == "Unknown client, or not its secret or assertion."
    challenge = replies[0].headers["WWW-Authenticate"]
    assert challenge == 'Basic realm="consent", error="invalid_client"'


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !", "Basic YQ==", "Basic /w==", "Bearer x", "Basic YTpiOmM=", "basic"],
)
def test_a_broken_authorization_header_is_no_client(ask, header):
    reply = ask(GRANT, headers={"Authorization": header})
    assert (reply.status_code, reply.json["error"]) == (401, "invalid_client")


def test_two_ways_of_authenticating_at_once_are_refused(ask, website, make_client):
    other = make_client("other", SCOPES)
    reply = ask({**GRANT, **post(other)}, ("website", "wrong"))
    assert reply.status_code == 401


def test_a_secret_is_good_for_its_own_client_alone(ask, website, make_client):
    other = make_client("other", SCOPES)
    assert ask(GRANT, ("website", other.secret)).status_code == 401
    assert ask({**GRANT, **post(website), "client_secret": other.secret}).status_code == 401
    assert ask({**GRANT, "client_id": "other"}, basic(website)).status_code == 401


def test_a_secret_in_the_address_is_no_secret(client, contract, website):
    reply = client.post("/oauth/token", query_string={**GRANT, **post(website)}, data=GRANT)
    contract.check(reply)
    assert reply.status_code == 401


def test_a_client_gets_less_when_it_asks_for_less(ask, website, get_with):
    reply = ask({**GRANT, "scope": "customers:read"}, basic(website))
    assert reply.json["scope"] == "customers:read"
    assert get_with(reply.json["access_token"]) == 403


@pytest.mark.parametrize(
    "scope",
    ["clients:manage", "catalogue:read clients:manage", "no:scope", "catalogue:read no:scope", "*"],
)
def test_a_scope_the_client_does_not_have_is_refused_and_not_left_out(ask, website, scope):
    reply = ask({**GRANT, "scope": scope}, basic(website))
    assert (reply.status_code, reply.json["error"]) == (400, "invalid_scope")
    assert "access_token" not in reply.json


@pytest.mark.parametrize(
    "grant",
    ["password", "implicit", "CLIENT_CREDENTIALS", "urn:ietf:params:oauth:grant-type:x"],
)
def test_another_grant_is_refused(ask, website, grant):
    reply = ask({"grant_type": grant, "username": "a", "password": "b"}, basic(website))
    assert (reply.status_code, reply.json["error"]) == (400, "unsupported_grant_type")
    assert grant not in reply.json["error_description"]


@pytest.mark.parametrize("form", [{}, {"grant_type": ""}])
def test_a_request_without_a_grant_is_told_to_name_one(ask, website, form):
    reply = ask(form, basic(website))
    assert (reply.status_code, reply.json["error"]) == (400, "invalid_request")
    assert reply.json["error_description"] == "Send grant_type."


@pytest.mark.parametrize("name", ["grant_type", "scope", "client_id"])
def test_a_parameter_that_stands_twice_is_refused(client, contract, website, name):
    form = {**GRANT, **post(website), "scope": "catalogue:read"}
    form[name] = [form[name], form[name]]
    reply = client.post("/oauth/token", data=form)
    contract.check(reply)
    assert (reply.status_code, reply.json["error"]) == (400, "invalid_request")


def test_an_expired_token_is_dead(ask, website, get_with, clock):
    token = ask(GRANT, basic(website)).json["access_token"]
    clock.advance(ACCESS_TOKEN_LIFETIME - timedelta(microseconds=1))
    assert get_with(token) != 401
    clock.advance(timedelta(microseconds=1))
    assert get_with(token) == 401


def test_a_disabled_clients_token_is_dead_at_the_next_request(app, ask, website, get_with, clock):
    token = ask(GRANT, basic(website)).json["access_token"]
    assert get_with(token) != 401
    with app.app_context():
        oauth.disable_client("website", SYSTEM, clock())
    assert get_with(token) == 401
    disabled, unknown = ask(GRANT, basic(website)), ask(GRANT, ("nobody", "wrong"))
    assert (disabled.status_code, disabled.data) == (401, unknown.data)


def test_a_scope_taken_away_is_gone_at_the_next_request(app, ask, website, get_with, clock):
    token = ask(GRANT, basic(website)).json["access_token"]
    with app.app_context():
        oauth.change_access("website", frozenset({"customers:read"}), (), SYSTEM, clock())
    assert get_with(token) == 401
    assert get_with(ask(GRANT, basic(website)).json["access_token"]) == 403


def test_a_recipient_taken_away_is_gone_at_the_next_request(app, ask, make_client, get_with, clock):
    mailer = make_client("mailer", ["decisions:check"], ["email_service", "broker"])
    token = ask(GRANT, basic(mailer)).json["access_token"]
    assert get_with(token) == 403
    with app.app_context():
        fewer = ("email_service",)
        oauth.change_access("mailer", frozenset({"decisions:check"}), fewer, SYSTEM, clock())
    assert get_with(token) == 401


def test_a_client_disabled_meanwhile_gets_no_token(app, website, clock):
    with app.app_context():
        oauth.disable_client("website", SYSTEM, clock())
        with pytest.raises(NotFound):
            oauth.issue_token("t" * 43, "website", frozenset(SCOPES), clock())


def test_a_token_never_has_a_scope_its_client_lost_meanwhile(app, website, clock):
    with app.app_context():
        oauth.issue_token("t" * 43, "website", frozenset({*SCOPES, "clients:manage"}), clock())
        assert oauth.find_caller("t" * 43, clock()).scopes == SCOPES


def test_a_rotated_secret_overlaps_with_the_old_one(app, ask, website, clock):
    with app.app_context():
        new = oauth.rotate_secret("website", timedelta(hours=1), SYSTEM, clock())
    assert ask(GRANT, basic(website)).status_code == 200
    assert ask(GRANT, basic(new)).status_code == 200
    clock.advance(timedelta(hours=1))
    assert ask(GRANT, basic(website)).status_code == 401
    assert ask(GRANT, basic(new)).status_code == 200


def test_a_second_rotation_does_not_make_the_first_secret_live_longer(app, ask, website, clock):
    with app.app_context():
        second = oauth.rotate_secret("website", timedelta(minutes=1), SYSTEM, clock())
        third = oauth.rotate_secret("website", timedelta(hours=1), SYSTEM, clock())
    clock.advance(timedelta(minutes=2))
    answers = [ask(GRANT, basic(made)).status_code for made in (website, second, third)]
    assert answers == [401, 200, 200]


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic YTpi", f"Bearer {'a' * 43}", f"Bearer {'☃' * 30}"],
    ids=["none", "empty", "scheme", "blank", "basic", "unknown", "not ascii"],
)
def test_a_request_without_a_live_token_is_refused(client, contract, header):
    headers = {} if header is None else {"Authorization": header.encode().decode("latin-1")}
    reply = client.get("/v1/catalogue", headers=headers)
    contract.check(reply)
    assert (reply.status_code, reply.json["code"]) == (401, "not_authenticated")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert reply.headers["Cache-Control"] == "no-store"


def test_a_token_is_taken_from_the_header_alone(client, ask, website):
    token = ask(GRANT, basic(website)).json["access_token"]
    reply = client.get("/v1/catalogue", query_string={"access_token": token})
    assert (reply.status_code, reply.json["errors"][0]["pointer"]) == (422, "/access_token")
    reply = client.get("/v1/disclosures", query_string={"access_token": token})
    assert reply.status_code == 401


def test_the_store_holds_neither_secret_nor_token(app, ask, website):
    token = ask(GRANT, basic(website)).json["access_token"]
    with app.app_context(), reading() as tx:
        kept = [
            tuple(row)
            for table in Base.metadata.sorted_tables
            for row in tx.execute(table.select())
        ]
    assert kept
    for secret in (token, website.secret):
        assert secret not in repr(kept)
        assert secret.encode().hex() not in repr(kept)


def test_plain_http_from_elsewhere_is_refused_and_no_crash(ask, website):
    reply = ask(GRANT, basic(website), base_url="http://consent.example.org")
    assert (reply.status_code, reply.json["error"]) == (400, "invalid_request")
    over_tls = ask(GRANT, basic(website), base_url="https://consent.example.org")
    assert over_tls.status_code == 200


def test_too_large_a_form_is_refused(client, contract):
    reply = client.post("/oauth/token", data={"grant_type": "x" * 17_000})
    contract.check(reply)
    assert reply.status_code == 413


def test_metadata_and_keys_are_public(api):
    metadata = api().get("/.well-known/oauth-authorization-server").json
    assert metadata["token_endpoint"].endswith("/oauth/token")
    assert metadata["grant_types_supported"] == [
        "authorization_code",
        "client_credentials",
        "refresh_token",
    ]
    keys = api().get("/oauth/jwks.json").json["keys"]
    assert {key["kty"] for key in keys} == {"OKP"}
    assert not [key for key in keys if "d" in key]
