"""HTTP out of here, to an address that somebody typed: one POST, so that no answer of a name
server, no redirect and no slow or endless reply makes this service do what was not asked for.

The name is looked up once, every address it leads to is judged, and the connection goes to one of
these very addresses; the certificate is still the name's. Nothing follows a redirect or a proxy.
Source: OWASP, Server-Side Request Forgery Prevention; RFC 6890 (special-purpose addresses).
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

PATIENCE = 10.0  # seconds, for all of it
LONGEST_REPLY = 1 << 16

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NAT64 = IPv6Network("64:ff9b::/96")


class NotAllowed(Exception):
    """An address that this service does not speak to; the text says why, and lacks its subject:
    "is no address"."""


class NoAnswer(Exception):
    """Nobody answered, or not as HTTP; the text says how, as `NotAllowed`'s does."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `kind` is the content type without parameters."""

    status: int
    kind: str
    body: bytes


def post(
    url: str,
    body: bytes,
    kind: str,
    *,
    private: bool = False,
    seconds: float = PATIENCE,
    headers: Mapping[str, str] | None = None,
    listen: bool = True,
) -> Answer:
    """Sends a body of a content type, with more headers. Without `listen` the status is all that is
    read of the reply. Raises: NotAllowed, NoAnswer."""
    parts = check_url(url, private=private)
    connection = _connection(parts, _resolve(parts, private), seconds)
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    try:
        with closing(connection), _cut_off(connection, seconds):
            connection.request("POST", target, body, {**(headers or {}), "Content-Type": kind})
            with connection.getresponse() as reply:
                found = reply.read(LONGEST_REPLY + 1) if listen else b""
                answer = Answer(reply.status, reply.headers.get_content_type(), found)
    except ssl.SSLCertVerificationError:
        raise NoAnswer("has a certificate that is not accepted") from None
    except (OSError, http.client.HTTPException, ValueError):
        raise NoAnswer("does not answer") from None
    if len(found) > LONGEST_REPLY:
        raise NoAnswer("answers without end")
    return answer


def check_url(url: str, *, private: bool = False) -> SplitResult:
    """The parts of an address that may be spoken to: https, or http on this machine's own
    loopback. An address written in digits is judged too. Raises: NotAllowed."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise NotAllowed("is no address") from None
    if not host or parts.username is not None or parts.fragment or not url.isascii():
        raise NotAllowed("is no address")
    if any(letter <= " " for letter in url) or len(url) > 500:
        raise NotAllowed("is no address")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        raise NotAllowed("is not https")
    try:
        _judge(host, private)
    except ValueError:
        if host == "localhost":
            _judge("127.0.0.1", private)
    return parts


def _resolve(parts: SplitResult, private: bool) -> list[str]:
    """The addresses behind a name, each of them judged."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NoAnswer("has a name that leads nowhere") from None
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    for address in addresses:
        _judge(address, private)
    return addresses


def _judge(text: str, private: bool) -> None:
    """Raises: NotAllowed, ValueError for what is no address in digits."""
    address = _inner(ip_address(text))
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise NotAllowed("is at an address that is nobody's server")
    if address.is_reserved and not address.is_loopback:
        raise NotAllowed("is at an address that is nobody's server")
    if not private and (not address.is_global or _is_of_a_site(address)):
        raise NotAllowed("is at a private address")


def _is_of_a_site(address: IPv4Address | IPv6Address) -> bool:
    """fec0::/10, given up by RFC 3879, and still somebody's own network."""
    return isinstance(address, IPv6Address) and address.is_site_local


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if not isinstance(address, IPv6Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _connection(parts: SplitResult, addresses: list[str], seconds: float) -> "_Pinned":
    kind = _PinnedTls if parts.scheme == "https" else _Pinned
    made = kind(parts.hostname or "", parts.port, timeout=seconds)
    made.addresses, made.patience = addresses, seconds / len(addresses)
    return made


class _Pinned(http.client.HTTPConnection):
    """A connection to one of the addresses that were judged."""

    addresses: list[str]
    patience: float
    wire: socket.socket | None = None  # `sock` is taken away while the reply is still read

    def connect(self) -> None:
        """Tries one after another. Raises: OSError."""
        *others, last = self.addresses
        for address in others:
            with suppress(OSError):
                self._reach(address)
                return
        self._reach(last)

    def _reach(self, address: str) -> None:
        self.sock = self.wire = socket.create_connection((address, self.port), self.patience)


class _PinnedTls(_Pinned):
    """The same, under a certificate of the name."""

    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        """Speaks TLS. Raises: OSError."""
        super().connect()
        secured = ssl.create_default_context().wrap_socket(
            self.sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock = self.wire = secured
        secured.do_handshake()


@contextmanager
def _cut_off(connection: _Pinned, seconds: float) -> Iterator[None]:
    """Ends the conversation when its time is up, however busily the other side drips. Raises:
    TimeoutError."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        if connection.wire is not None:
            with suppress(OSError):  # it has ended by itself
                socket.socket.shutdown(connection.wire, socket.SHUT_RDWR)  # past TLS's own

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError
