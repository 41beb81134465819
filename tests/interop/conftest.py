"""The service over HTTP on this machine, and clients that others wrote."""

import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from joserfc.jwk import ECKey, OKPKey
from werkzeug.serving import make_server

from consent_service.app import create_app
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.ids import customer_id_text
from consent_service.oauth import pages
from consent_service.oauth import service as oauth
from consent_service.oauth.client_keys import checked_jwks
from consent_service.oauth.model import ClientKind
from consent_service.storage.db import db
from tests.support import stores
from tests.support.oauth import add_customer

HERE = Path(__file__).parent
REDIRECT = "http://127.0.0.1:9/back"


@pytest.fixture(params=["sqlite"])
def store(request):
    """One kind of store is enough: what is tried here is what goes over the wire."""
    with request.getfixturevalue("sqlite_stores").fresh() as url:
        yield url


@pytest.fixture
def served(store, keyring):
    """The app behind a real server, on a free port."""
    server = make_server("127.0.0.1", 0, None, threaded=True)  # the port first, then the app
    issuer = f"http://127.0.0.1:{server.server_port}"
    settings = stores.settings_for(store, keyring).model_copy(update={"base_url": issuer})
    server.app = create_app(settings)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield SimpleNamespace(app=server.app, issuer=issuer)
    server.shutdown()
    thread.join()
    server.server_close()
    with server.app.app_context():
        db.engine.dispose()


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
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} found: the clients of npm are not tried")
    place = tmp_path_factory.mktemp("interop")
    for file in (*HERE.glob("*.mjs"), *HERE.glob("package*.json"), HERE / ".npmrc"):
        shutil.copy(file, place)
    made = Path(sys.prefix) / "interop"  # by `make test`
    lock = made / ".installed"
    if lock.is_file() and lock.read_bytes() == (HERE / "package-lock.json").read_bytes():
        (place / "node_modules").symlink_to(made / "node_modules")
        return place
    done = subprocess.run(
        ["npm", "ci", "--silent"], cwd=place, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"npm ci failed, so the clients of npm are not tried: {done.stderr[-500:]}")
    return place
