"""`requests-oauthlib`, as a service and as an app."""

import pytest
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session


@pytest.fixture(autouse=True)
def _plain_http_on_this_machine(monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture
def urls(setting):
    return {name: f"{setting['issuer']}/oauth/{name}" for name in ("authorize", "token", "revoke")}


@pytest.mark.parametrize("in_body", [True, False])
def test_a_service_gets_a_token(setting, urls, in_body):
    service = setting["service"]
    with OAuth2Session(client=BackendApplicationClient(service["id"])) as session:
        more = {"auth": HTTPBasicAuth(service["id"], service["secret"])}
        if in_body:
            more = {"include_client_id": True, "client_secret": service["secret"]}
        token = session.fetch_token(urls["token"], **more)
        assert token["scope"] == ["catalogue:read"]
        reply = session.get(setting["issuer"] + "/v1/purposes")
        assert reply.status_code != 401


def test_an_app_acts_for_the_customer(setting, urls, answer):
    app = setting["app"]
    scope = ["customers:read"]
    auth = HTTPBasicAuth(app["id"], app["secret"])
    with OAuth2Session(
        app["id"], redirect_uri=app["redirect"], scope=scope, pkce="S256"
    ) as session:
        url, _ = session.authorization_url(urls["authorize"])
        back = answer(url)
        session.fetch_token(urls["token"], authorization_response=back, auth=auth)
        me = f"{setting['issuer']}/v1/customers/{setting['customer']}"
        assert session.get(me).json()["id"] == setting["customer"]
        old = session.token
        session.refresh_token(urls["token"], auth=auth)
        assert session.token["refresh_token"] != old["refresh_token"]
        assert session.get(me).status_code == 200
        body = {"token": session.token["refresh_token"], "token_type_hint": "refresh_token"}
        gone = session.post(urls["revoke"], data=body, auth=auth, withhold_token=True)
        assert gone.status_code == 200
        assert session.get(me).status_code == 401
        with pytest.raises(OAuth2Error, match="invalid_grant"):
            session.refresh_token(urls["token"], auth=auth)


def test_a_no_is_an_error_and_no_code(setting, urls, answer):
    app = setting["app"]
    with OAuth2Session(app["id"], redirect_uri=app["redirect"], pkce="S256") as session:
        url, _ = session.authorization_url(urls["authorize"])
        back = answer(url, "refuse")
        with pytest.raises(OAuth2Error, match="access_denied"):
            session.fetch_token(urls["token"], authorization_response=back, client_secret="x")
