"""Somebody's server that webhooks are sent to, on a port of this machine. `says` takes the place of
its next answers: a status, a status with headers, or what makes one of the handler."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Got:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self):
        return json.loads(self.body)


class Receiver:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}/in"
        self.got = []
        self.says = []
        self.always = 204

    @property
    def types(self):
        return [each.event["type"] for each in self.got]

    @property
    def ids(self):
        return [each.headers["webhook-id"] for each in self.got]


def _handler(receiver):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):  # http.server's name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            mine = receiver()
            mine.got.append(Got(self.path, headers, body))
            said = mine.says.pop(0) if mine.says else mine.always
            said = said(self) if callable(said) else said
            if said is None:
                self.close_connection = True
                return  # hangs up
            status, more = said if isinstance(said, tuple) else (said, {})
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_):
            """Says nothing."""

    return Handler


@contextmanager
def running():
    held = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: held[0]))
    server.daemon_threads = True
    held.append(Receiver(server.server_port))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield held[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
