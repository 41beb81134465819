"""What goes out goes where it was meant to, and nothing that comes back can hold it up."""

import socket
import ssl
import time
from types import SimpleNamespace

import pytest
from cryptography import x509

from consent_service.web import egress
from consent_service.web.egress import NoAnswer, NotAllowed
from tests.support import receiver, witness
from tests.support.tls import write_certificate


@pytest.fixture
def server():
    with witness.running() as running:
        yield running


@pytest.fixture
def leads_to(monkeypatch):
    """`leads_to(*addresses)`: what the name server says of every name; the names it was asked."""

    def set_(*addresses):
        asked = []

        def resolve(host, port, *_, **__):
            digits = not host.rpartition(".")[2].isalpha() or ":" in host
            asked.extend([] if digits else [host])
            found = [host] if digits else addresses
            families = {True: socket.AF_INET6, False: socket.AF_INET}
            return [(families[":" in a], socket.SOCK_STREAM, 6, "", (a, port)) for a in found]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        return asked

    return set_


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A certificate of witness.example.org: its path, and a server's context."""
    path = tmp_path_factory.mktemp("tls") / "witness.pem"
    write_certificate(path, "witness", x509.DNSName("witness.example.org"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return SimpleNamespace(path=path, context=context)


def post(url, **more):
    return egress.post(url, b"body", "text/plain", private=more.pop("private", True), **more)


def test_a_body_is_sent_and_the_answer_read(server):
    server.says.append((201, "text/plain; charset=utf-8", b"thanks"))
    answer = post(server.url + "/keep?as=it+is")
    assert (answer.status, answer.kind, answer.body) == (201, "text/plain", b"thanks")
    assert server.asked == [("/keep?as=it+is", b"body")]


def test_a_redirect_is_an_answer_and_nothing_more(server):
    server.says.append((307, "text/plain", b"", ("Location", server.url + "/elsewhere")))
    assert post(server.url + "/here").status == 307
    assert [path for path, _ in server.asked] == ["/here"]


@pytest.mark.parametrize(
    "url",
    [
        "http://witness.example.org/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://",
        "https://user@witness.example.org/",
        "https://witness.example.org/#there",
        "https://witness.example.org/a b",
        "https://witness.example.org/\n",
        "https://witness.example.org:port/",
        "https://wítness.example.org/",
        "https://[::1/",
        "//127.0.0.1/",
        "",
    ],
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(NotAllowed):
        post(url)


PRIVATE = [
    "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1", "::1", "fd00::1",
    "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "198.18.0.1", "fec0::1", "2001::1",
]  # fmt: skip
NOBODYS = [
    "169.254.169.254", "0.0.0.0", "::", "224.0.0.1", "fe80::1", "::ffff:169.254.169.254",  # noqa: S104  # to be refused
    "240.0.0.1", "255.255.255.255", "::127.0.0.1", "::10.0.0.1", "64:ff9b:1::a00:1",
    "64:ff9b::a9fe:a9fe",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE + NOBODYS)
def test_a_private_address_is_refused_in_digits_and_behind_a_name(address, leads_to):
    leads_to("8.8.8.8", address)
    host = f"[{address}]" if ":" in address else address
    for url in (f"https://{host}/", "https://witness.example.org/"):
        with pytest.raises(NotAllowed):
            post(url, private=False)


@pytest.mark.parametrize("address", NOBODYS)
def test_some_addresses_are_never_spoken_to(address, leads_to):
    leads_to(address)
    with pytest.raises(NotAllowed):
        post("https://witness.example.org/", private=True)


def test_the_loopback_is_private_too(server):
    for url in (server.url, server.url.replace("127.0.0.1", "localhost")):
        with pytest.raises(NotAllowed):
            post(url, private=False)
    assert server.asked == []


def test_a_name_is_looked_up_once_and_the_connection_goes_there(monkeypatch, tls, leads_to):
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.path))
    asked = leads_to("127.0.0.1")
    with witness.running(tls.context) as server:
        port = server.url.rpartition(":")[2]
        server.says.append((200, "text/plain", b"here"))
        assert post(f"https://witness.example.org:{port}/").body == b"here"
    assert asked == ["witness.example.org"]


def test_a_certificate_of_another_name_or_issuer_is_refused(monkeypatch, tls, leads_to):
    leads_to("127.0.0.1")
    with witness.running(tls.context) as server:
        port = server.url.rpartition(":")[2]
        with pytest.raises(NoAnswer, match="certificate"):
            post(f"https://witness.example.org:{port}/")
        monkeypatch.setenv("SSL_CERT_FILE", str(tls.path))
        with pytest.raises(NoAnswer, match="certificate"):
            post(f"https://other.example.org:{port}/")
    assert server.asked == []


def test_an_endless_reply_is_not_read_to_its_end(server):
    sent = []

    def without_end():
        while True:
            sent.append(1)
            yield b"x" * 65_536

    server.says.append((200, "text/plain", without_end()))
    with pytest.raises(NoAnswer, match="without end"):
        post(server.url)
    assert len(sent) < 1_000


def test_of_a_reply_that_nobody_listens_to_the_status_is_read():
    with receiver.running() as target:
        target.says.append((503, {"Content-Length": "1000000000"}))
        answer = post(target.url, headers={"webhook-id": "chg_1"}, listen=False)
        assert (answer.status, answer.body) == (503, b"")
        assert target.got[0].headers["webhook-id"] == "chg_1"
        assert target.got[0].headers["content-type"] == "text/plain"


def test_a_reply_that_drips_is_cut_off(server):
    def dripping():
        for _ in range(200):
            time.sleep(0.05)
            yield b"x"

    server.says.append((200, "text/plain", dripping()))
    started = time.monotonic()
    with pytest.raises(NoAnswer):
        post(server.url, seconds=0.5)
    assert time.monotonic() - started < 3


def test_headers_that_drip_are_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        started = time.monotonic()
        with pytest.raises(NoAnswer):
            post(url, seconds=0.5)  # it takes the call and says nothing
        assert time.monotonic() - started < 3


def test_nobody_there_is_no_answer(server):
    server.says.append(lambda *_: None)
    with pytest.raises(NoAnswer):
        post(server.url)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(NoAnswer):
        post(f"http://127.0.0.1:{port}/")
