"""Recipients with webhooks of their own, who answer over HTTP as somebody else's systems do."""

import json
from contextlib import contextmanager
from http.client import HTTPConnection
from threading import Thread
from urllib.parse import urlencode

from werkzeug.serving import make_server

FORM = "application/x-www-form-urlencoded"


class Recipient:
    """One of these. `got` is what its webhook was sent."""

    def __init__(self, port, made):
        self.port, self.made, self.got = port, made, []

    def confirm(self, handler_body, outcome="done"):
        """Says what it did of what a webhook told."""
        told = json.loads(handler_body)["data"]
        self.got.append(told)
        path = f"/v1/requests-for-me/{told['id']}/confirm"
        assert self.post(path, json.dumps({"outcome": outcome}))["outcome"] == outcome

    def post(self, path, body, media_type="application/json", **headers):
        if path != "/oauth/token":
            headers["Authorization"] = f"Bearer {self._token()}"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", path, body, {"Content-Type": media_type, **headers})
            reply = connection.getresponse()
            said = reply.read()
            assert reply.status < 300, said
            return json.loads(said)
        finally:
            connection.close()

    def _token(self):
        asked = {
            "grant_type": "client_credentials",
            "client_id": self.made.client_id,
            "client_secret": self.made.secret,
        }
        return self.post("/oauth/token", urlencode(asked), FORM)["access_token"]


@contextmanager
def serving(app):
    """The port where a real server answers for an app."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
