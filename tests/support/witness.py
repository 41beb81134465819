"""A transparency witness on a port of this machine, as C2SP's tlog-witness says: it co-signs what
grew from what it saw. `says` takes the place of its next answers."""

import base64
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent_service.ledger import notes
from consent_service.ledger.cosignatures import message_of
from consent_service.ledger.merkle import BadProof, check_consistency
from consent_service.ledger.notes import Verifier

NAME = "witness.example.org/w1"


def cosign(text, key, name=NAME, seconds=None):
    """The line of a witness under a checkpoint's text."""
    seconds = int(time.time()) if seconds is None else seconds
    verifier = cosigner(key, name)
    raw = verifier.id + seconds.to_bytes(8) + key.sign(message_of(text, seconds))
    return f"— {name} {base64.b64encode(raw).decode()}\n"


def cosigner(key, name=NAME):
    return Verifier(name, key.public_key().public_bytes_raw(), notes.COSIGNATURE)


class Witness:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.key = Ed25519PrivateKey.generate()
        self.size, self.root = 0, b""
        self.asked = []  # (path, body)
        self.says = []
        self.verifiers = None  # of the logs it knows; None: it trusts whoever comes

    @property
    def vkey(self):
        return str(cosigner(self.key))

    def answer(self, path, body):
        """Status, content type, body, more headers."""
        self.asked.append((path, body))
        if self.says:
            said = self.says.pop(0)
            return said(self, body) if callable(said) else said
        if path != "/add-checkpoint":
            return 404, "text/plain", b""
        return self.judge(body)

    def judge(self, body):
        head, _, note = body.decode().partition("\n\n")
        old, *hashes = head.split("\n")
        text, _ = notes.split_note(note)
        if self.verifiers is not None:
            notes.open_checkpoint(note, self.verifiers)
        seen = notes.read_checkpoint(text)
        if old != f"old {self.size}":
            return 409, "text/x.tlog.size", b"%d\n" % self.size
        if self.size == seen.size and self.root != seen.root:
            return 409, "text/plain", b""
        try:
            if self.size:
                proof = [base64.b64decode(one) for one in hashes]
                check_consistency(self.size, seen.size, proof, self.root, seen.root)
            else:
                assert hashes == []
        except BadProof:
            return 422, "text/plain", b""
        self.size, self.root = seen.size, seen.root
        return 200, "text/plain", cosign(text, self.key).encode()


def _handler(witness):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):  # http.server's name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            said = witness().answer(self.path, body)
            if said is None:
                return  # hangs up
            status, kind, reply, *more = said
            self.send_response(status)
            self.send_header("Content-Type", kind)
            for name, value in more:
                self.send_header(name, value)
            self.end_headers()
            try:
                for part in [reply] if isinstance(reply, bytes) else reply:
                    self.wfile.write(part)
            except OSError:
                self.close_connection = True  # the other side had enough

        def log_message(self, *_):
            """Says nothing."""

    return Handler


@contextmanager
def running(tls=None):
    """A witness that answers, over TLS where a context is given."""
    held = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: held[0]))
    server.daemon_threads = True
    held.append(Witness(server.server_port))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        held[0].url = held[0].url.replace("http:", "https:")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield held[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
