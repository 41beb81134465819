"""The clients API, and what customers allowed apps."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from joserfc.jwk import ECKey

from consent_service.cli.main import main
from consent_service.kernel.ids import customer_id_text
from consent_service.oauth.grant_model import GRANT_LIFETIME
from tests.support.oauth import REDIRECT, LoyaltyApp, add_customer

SERVICE = {
    "client_id": "mailer",
    "name": "Mailer",
    "scopes": ["decisions:check"],
    "recipients": ["email_service"],
}
APP = {
    "client_id": "loyalty",
    "name": "Loyalty",
    "kind": "app",
    "scopes": ["customers:read"],
    "redirect_uris": [REDIRECT],
}


@pytest.fixture
def admin(api, make_client, token_for):
    return api(token_for(make_client("admin", ["clients:manage"])))


@pytest.fixture
def token_of(client):
    """The status of asking for a token."""

    def ask(client_id, secret):
        form = {"grant_type": "client_credentials"}
        return client.post("/oauth/token", data=form, auth=(client_id, secret))

    return ask


def test_a_service_is_registered_and_its_secret_shown_once(admin, token_of):
    made = admin.post("/v1/clients", SERVICE)
    assert made.status_code == 201
    secret = made.json["client_secret"]
    assert len(secret) == 43
    assert token_of("mailer", secret).status_code == 200
    shown = admin.get("/v1/clients/mailer")
    listed = admin.get("/v1/clients")
    assert secret not in shown.get_data(as_text=True) + listed.get_data(as_text=True)
    assert shown.json["recipients"] == ["email_service"]
    assert shown.json["auth_method"] == "client_secret"
    assert [item["client_id"] for item in listed.json["items"]] == ["admin", "mailer"]


def test_the_last_use_is_shown(admin, token_of, clock):
    secret = admin.post("/v1/clients", SERVICE).json["client_secret"]
    assert admin.get("/v1/clients/mailer").json["last_used_at"] is None
    clock.advance(timedelta(minutes=5))
    token_of("mailer", secret)
    assert admin.get("/v1/clients/mailer").json["last_used_at"] == "2026-03-02T09:35:00.000000Z"


def test_an_idempotency_key_keeps_no_secret(admin):
    headers = {"Idempotency-Key": "k"}
    assert admin.post("/v1/clients", SERVICE, headers=headers).status_code == 201
    again = admin.post("/v1/clients", SERVICE, headers=headers)
    assert (again.status_code, again.json["code"]) == (409, "client_exists")


def test_a_client_that_signs_has_no_secret(admin):
    key = ECKey.generate_key("P-256").as_dict(private=False)
    made = admin.post("/v1/clients", {**SERVICE, "jwks": {"keys": [key]}})
    assert made.json["client_secret"] is None
    assert made.json["auth_method"] == "private_key_jwt"
    assert made.json["jwks"]["keys"][0]["x"] == key["x"]
    rotated = admin.post("/v1/clients/mailer/secrets", {})
    assert (rotated.status_code, rotated.json["code"]) == (409, "client_signs")
    new = ECKey.generate_key("P-256").as_dict(private=False)
    changed = admin.patch("/v1/clients/mailer", {"jwks": {"keys": [new]}})
    assert changed.json["jwks"]["keys"][0]["x"] == new["x"]


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "X"},
        {"client_id": "client:x"},
        {"kind": "public"},
        {"scopes": []},
        {"scopes": ["no:scope"]},
        {"scopes": ["clients:manage"]},
        {"redirect_uris": []},
        {"redirect_uris": ["http://app.example.org/back"]},
        {"redirect_uris": ["https://app.example.org/back#x"]},
        {"redirect_uris": ["https://app.example.org/*"]},
        {"redirect_uris": ["https://*.example.org/"]},
        {"redirect_uris": ["https://a@app.example.org/"]},
        {"redirect_uris": ["https://app.example.org;script-src x/"]},
        {"redirect_uris": ["https://app.example.org /x"]},
        {"redirect_uris": ["https:///x"]},
        {"redirect_uris": ["https://app.example.org:99999/"]},
        {"redirect_uris": ["/back"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["com.example.app:/back"]},
        {"jwks": {"keys": []}},
        {"client_secret": "mine"},
        {"auth_method": "none"},
    ],
)
def test_an_app_that_could_do_harm_is_not_registered(admin, changes):
    assert admin.post("/v1/clients", {**APP, **changes}).status_code == 422


def test_who_asks_for_decisions_says_who_receives(admin):
    refused = admin.post("/v1/clients", {**SERVICE, "recipients": []})
    assert refused.status_code == 422
    assert refused.json["errors"][0]["pointer"] == "/recipients"
    assert admin.post("/v1/clients", SERVICE).status_code == 201
    path = "/v1/clients/mailer"
    assert admin.patch(path, {"recipients": []}).status_code == 422
    assert admin.patch(path, {"recipients": [], "scopes": ["catalogue:read"]}).status_code == 200
    assert admin.patch(path, {"scopes": ["decisions:check"]}).status_code == 422


def test_a_recipient_is_one_of_the_catalogue_in_force(admin, sample_catalogue):
    refused = admin.post("/v1/clients", {**SERVICE, "recipients": ["email_service", "no_such"]})
    assert refused.status_code == 422
    (fault,) = refused.json["errors"]
    assert (fault["pointer"], fault["code"]) == ("/recipients/1", "unknown_recipient")
    assert "email_service" in fault["detail"]
    assert "no_such" not in refused.get_data(as_text=True)
    assert admin.post("/v1/clients", SERVICE).status_code == 201
    refused = admin.patch("/v1/clients/mailer", {"recipients": ["no_such"]})
    assert refused.json["errors"][0]["code"] == "unknown_recipient"
    assert admin.patch("/v1/clients/mailer", {"recipients": ["sms_gateway"]}).status_code == 200


def test_a_recipient_that_a_client_had_before_the_catalogue_it_keeps(admin, open_shop):
    open_shop("early", recipients=("no_such",)).load()
    assert admin.patch("/v1/clients/early", {"name": "New"}).status_code == 200
    more = admin.patch("/v1/clients/early", {"recipients": ["mailer", "no_such"]})
    assert more.json["recipients"] == ["mailer", "no_such"]
    assert admin.patch("/v1/clients/early", {"recipients": ["mailer"]}).status_code == 200
    assert admin.patch("/v1/clients/early", {"recipients": ["no_such"]}).status_code == 422


@pytest.mark.parametrize(
    "address",
    ["https://app.example.org", "http://127.0.0.1:9/cb", "http://localhost/cb", "http://[::1]:9/"],
)
def test_addresses_that_are_fine(admin, address):
    made = admin.post("/v1/clients", {**APP, "redirect_uris": [address]})
    assert made.status_code == 201, made.json


def test_a_service_has_no_redirect_address(admin):
    assert admin.post("/v1/clients", {**SERVICE, "redirect_uris": [REDIRECT]}).status_code == 422


def test_changes_hold_at_the_next_request(admin, token_of, client):
    secret = admin.post("/v1/clients", SERVICE).json["client_secret"]
    token = token_of("mailer", secret).json["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/v1/catalogue", headers=headers).status_code == 403
    changed = admin.patch("/v1/clients/mailer", {"name": "New", "scopes": ["catalogue:read"]})
    assert (changed.json["name"], changed.json["scopes"]) == ("New", ["catalogue:read"])
    assert client.get("/v1/catalogue", headers=headers).status_code == 401
    assert token_of("mailer", secret).json["scope"] == "catalogue:read"


def test_a_new_name_ends_no_token(admin, token_of, client):
    secret = admin.post("/v1/clients", SERVICE).json["client_secret"]
    token = token_of("mailer", secret).json["access_token"]
    admin.patch("/v1/clients/mailer", {"name": "New"})
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/v1/catalogue", headers=headers).status_code == 403


def test_a_client_is_disabled_and_enabled(admin, token_of):
    secret = admin.post("/v1/clients", SERVICE).json["client_secret"]
    assert admin.patch("/v1/clients/mailer", {"disabled": True}).json["disabled_at"]
    assert token_of("mailer", secret).status_code == 401
    assert admin.patch("/v1/clients/mailer", {"disabled": False}).json["disabled_at"] is None
    assert token_of("mailer", secret).status_code == 200


def test_two_secrets_live_while_one_takes_over(admin, token_of, clock):
    old = admin.post("/v1/clients", SERVICE).json["client_secret"]
    made = admin.post("/v1/clients/mailer/secrets", {"overlap_hours": 1})
    assert made.status_code == 201
    for secret in (old, made.json["client_secret"]):
        assert token_of("mailer", secret).status_code == 200
    clock.advance(timedelta(hours=1))
    assert token_of("mailer", old).status_code == 401
    assert token_of("mailer", made.json["client_secret"]).status_code == 200


def test_a_deleted_client_is_gone_with_its_tokens(admin, token_of, client):
    secret = admin.post("/v1/clients", SERVICE).json["client_secret"]
    token = token_of("mailer", secret).json["access_token"]
    assert admin.delete("/v1/clients/mailer").status_code == 204
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/v1/catalogue", headers=headers).status_code == 401
    assert token_of("mailer", secret).status_code == 401
    assert admin.get("/v1/clients/mailer").status_code == 404
    assert admin.delete("/v1/clients/mailer").status_code == 404
    assert admin.post("/v1/clients", SERVICE).json["client_secret"] != secret
    assert token_of("mailer", secret).status_code == 401


@pytest.mark.parametrize("path", ["", "/secrets"])
def test_an_unknown_client_is_not_found(admin, path):
    method = admin.post if path else admin.get
    reply = method(f"/v1/clients/nobody{path}", *([{}] if path else []))
    assert reply.status_code == 404


def test_an_auditor_cannot_write(api, make_client, token_for):
    auditor = api(token_for(make_client("auditor", ["disclosures:read"])))
    for send, path in (
        (auditor.post, "/v1/clients"),
        (auditor.post, "/v1/consents"),
        (auditor.post, "/v1/customers"),
        (auditor.post, "/v1/suppressions"),
        (auditor.put, "/v1/catalogue"),
    ):
        assert send(path, {}).status_code == 403


def test_the_apps_a_customer_allowed_are_seen_and_ended(app, api, clock, make_client, token_for):
    loyalty = LoyaltyApp(app, clock)
    loyalty.signed_in = add_customer(app, clock)
    tokens = loyalty.tokens()
    website = api(token_for(make_client("website", ["customers:write"])))
    path = f"/v1/customers/{customer_id_text(loyalty.signed_in)}/grants"
    (item,) = website.get(path).json["items"]
    assert (item["client_id"], item["name"], item["ended_at"]) == ("loyalty", "Loyalty", None)
    assert item["scopes"] == ["consents:read", "customers:read"]
    assert item["last_used_at"] is not None
    assert timedelta(days=90) == GRANT_LIFETIME
    assert item["expires_at"] == "2026-05-31T09:30:00.000000Z"
    assert website.delete(f"{path}/loyalty").status_code == 204
    assert loyalty.sees(tokens["access_token"]) == 401
    assert loyalty.refresh(tokens["refresh_token"]).status_code == 400
    (item,) = website.get(path).json["items"]
    assert item["ended_at"] is not None
    assert website.delete(f"{path}/loyalty").status_code == 404


def test_what_was_allowed_before_stays_until_it_ends(app, api, clock, make_client, token_for):
    loyalty = LoyaltyApp(app, clock)
    loyalty.signed_in = add_customer(app, clock)
    loyalty.tokens(scope="customers:read")
    loyalty.tokens(scope="consents:read")
    website = api(token_for(make_client("website", ["customers:write"])))
    path = f"/v1/customers/{customer_id_text(loyalty.signed_in)}/grants"
    assert website.get(path).json["items"][0]["scopes"] == ["consents:read", "customers:read"]
    website.delete(f"{path}/loyalty")
    loyalty.tokens(scope="consents:read")
    assert website.get(path).json["items"][0]["scopes"] == ["consents:read"]


def test_the_command_creates_an_app_and_a_client_that_signs(settings, admin, monkeypatch, tmp_path):
    monkeypatch.setenv("CONSENT_DATABASE_URL", settings.database)
    monkeypatch.setenv("CONSENT_KEYRING", settings.keyring.get_secret_value())
    keys = tmp_path / "keys.json"
    key = ECKey.generate_key("P-256").as_dict(private=False)
    keys.write_text(json.dumps({"keys": [key]}), encoding="utf-8")
    create = ["clients", "create", "--scope", "customers:read"]
    done = CliRunner().invoke(
        main, [*create, "loyalty", "--title", "Loyalty", "--redirect-uri", REDIRECT, "--json"]
    )
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["client_secret"]) == 43
    shown = admin.get("/v1/clients/loyalty").json
    assert (shown["kind"], shown["name"], shown["redirect_uris"]) == ("app", "Loyalty", [REDIRECT])
    done = CliRunner().invoke(main, [*create, "signer", "--jwks", str(keys)])
    assert done.exit_code == 0, done.output
    assert admin.get("/v1/clients/signer").json["auth_method"] == "private_key_jwt"
    keys.write_text("[", encoding="utf-8")
    assert CliRunner().invoke(main, [*create, "third", "--jwks", str(keys)]).exit_code == 2


def test_the_command_deletes_a_client(app, settings, admin, monkeypatch):
    admin.post("/v1/clients", SERVICE)
    monkeypatch.setenv("CONSENT_DATABASE_URL", settings.database)
    monkeypatch.setenv("CONSENT_KEYRING", settings.keyring.get_secret_value())
    listed = CliRunner().invoke(main, ["clients", "list"])
    assert "never used" in listed.output
    done = CliRunner().invoke(main, ["clients", "delete", "mailer"])
    assert done.exit_code == 0, done.output
    assert admin.get("/v1/clients/mailer").status_code == 404
    assert CliRunner().invoke(main, ["clients", "delete", "mailer"]).exit_code == 1
