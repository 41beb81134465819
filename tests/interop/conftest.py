"""The service over HTTP on this machine, and clients that others wrote."""

import re
import shutil
from pathlib import Path

import pytest
import requests
from joserfc.jwk import ECKey, OKPKey

from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.ids import customer_id_text
from consent_service.oauth import pages
from consent_service.oauth import service as oauth
from consent_service.oauth.client_keys import checked_jwks
from consent_service.oauth.model import ClientKind
from tests.support import npm, stores
from tests.support.oauth import add_customer
from tests.support.served import serve

HERE = Path(__file__).parent
REDIRECT = "http://127.0.0.1:9/back"


@pytest.fixture(params=["sqlite"])
def store(request):
    """One kind of store is enough: what is tried here is what goes over the wire."""
    with request.getfixturevalue("sqlite_stores").fresh() as url:
        yield url


@pytest.fixture
def served(store, keyring):
    with serve(stores.settings_for(store, keyring)) as running:
        yield running


@pytest.fixture
def setting(served):
    """A service, two clients that sign, an app, and the customer who is signed in."""
    now = served.app.extensions["consent"].clock()
    keys = {"signer": ECKey.generate_key("P-256"), "signer2": OKPKey.generate_key("Ed25519")}
    customer = add_customer(served.app, lambda: now)
    served.app.extensions[pages.SIGNED_IN] = lambda: customer
    with served.app.app_context():
        scopes = frozenset({"catalogue:read"})
        service = oauth.create_client("service", "Service", scopes, (), SYSTEM, now)
        app = oauth.create_client(
            "app", "App", frozenset({"customers:read"}), (), SYSTEM, now,
            kind=ClientKind.APP, redirect_uris=(REDIRECT,),
        )  # fmt: skip
        for name, key in keys.items():
            jwks = checked_jwks({"keys": [key.as_dict(private=False)]})
            oauth.create_client(name, name, scopes, (), SYSTEM, now, jwks=jwks)
    return {
        "issuer": served.issuer,
        "customer": customer_id_text(customer),
        "service": {"id": service.client_id, "secret": service.secret},
        "app": {"id": app.client_id, "secret": app.secret, "redirect": REDIRECT},
        "signers": [{"id": name, "key": key.as_dict(private=True)} for name, key in keys.items()],
    }


@pytest.fixture
def answer():
    """`answer(url)`: the signed-in customer's browser says yes; where it is led."""

    def say(url, word="allow"):
        page = requests.get(url, allow_redirects=False, timeout=10)
        assert page.status_code == 200, page.text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
        cookie = page.headers["Set-Cookie"].partition(";")[0]  # Secure: `requests` keeps it back
        reply = requests.post(
            url,
            data={"answer": word, "csrf_token": token},
            headers={"Cookie": cookie},
            allow_redirects=False,
            timeout=10,
        )
        assert reply.status_code == 303, reply.text
        return reply.headers["Location"]

    return say


@pytest.fixture(scope="session")
def node_clients(tmp_path_factory):
    """A directory with the clients of npm and our scripts, which goes when the tests end."""
    place = tmp_path_factory.mktemp("interop")
    try:
        modules = npm.node_modules(tmp_path_factory.mktemp("npm"))
    except npm.NoNpm as why:
        pytest.skip(f"the clients of npm are not tried: {why}")
    for file in HERE.glob("*.mjs"):
        shutil.copy(file, place)
    (place / "package.json").write_text('{"type": "module"}')
    (place / "node_modules").symlink_to(modules)
    return place
