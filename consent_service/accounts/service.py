"""Customers' sign-in by a link sent to the address on file.

What a request does is the same whoever is asked for: one row. Whether there is such a customer
is looked up by the worker, so that neither the answer nor its time tells.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from consent_service.accounts import letters, sessions, store
from consent_service.accounts.model import (
    LINK_LIFETIME,
    Browser,
    Link,
    LinkRequest,
    LinkState,
    digest,
    link_state,
    new_token,
)
from consent_service.crypto.envelope import Field, Sealed, seal, sealed_under, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.customers.model import Customer, Identifier, IdentifierType
from consent_service.customers.normaliser import NotUsable, identifier
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId, customer_id_text, new_uuid, parse_customer_id
from consent_service.mail import service as mail
from consent_service.storage.unit_of_work import reading, unit_of_work

BATCH = 50


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a used link leads to: the cookie's value and the page."""

    cookie: str
    return_path: str

    def __repr__(self) -> str:
        return "SignedIn(redacted)"


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom a link was asked: a normalised address, or somebody who is signed in."""

    address: str | None
    customer_id: CustomerId | None
    language: str
    return_path: str

    def __repr__(self) -> str:
        return "Asked(redacted)"


def read_address(given: str) -> str | None:
    """The normalised e-mail address that was typed; None when it cannot be one."""
    try:
        return identifier(IdentifierType.EMAIL, given).value
    except NotUsable:
        return None


def request_link(asked: Asked, browser: str, now: datetime, keys: Keyring) -> None:
    """Notes that a link is wanted, by the browser that knows `browser`."""
    request_id = new_uuid()
    customer = None if asked.customer_id is None else customer_id_text(asked.customer_id)
    plain = json.dumps([asked.address, customer, asked.language, asked.return_path])
    field = Field("sign_in_request.asked", request_id, request_id)
    sealed = seal(keys.master, field, plain.encode())
    with unit_of_work() as tx:
        store.add_request(tx, LinkRequest(request_id, digest(browser), sealed, now))


def send_links(base_url: str, site: str, now: datetime, keys: Keyring) -> int:
    """Writes a letter to each customer for whom a link was asked; how many requests it saw."""
    with reading() as tx:
        requests = store.list_requests(tx, BATCH)
    for request in requests:
        with unit_of_work() as tx:
            if store.delete_request(tx, request.id) and request.requested_at + LINK_LIFETIME > now:
                _send_link(request, base_url, site, now, keys)
    return len(requests)


def look_at_link(token: str, browser: str, now: datetime) -> LinkState:
    """What using a link in this browser would come to. Changes nothing: programs that read
    mails open links too."""
    with reading() as tx:
        link = store.find_link(tx, digest(token))
    return link_state(link, digest(browser), now)


def use_link(
    token: str, browser: str, kind: Browser, previous: str | None, now: datetime, keys: Keyring
) -> SignedIn | None:
    """Uses a link up and begins a session; None when the link is not for this browser, was used,
    or is too old. `previous` is the cookie of the session that ends with it."""
    with unit_of_work() as tx:
        link = store.take_link(tx, digest(token), digest(browser), now)
        if link is None:
            return None
        cookie = sessions.begin(link.customer_id, None, kind, previous, now)
    path = unseal(
        keys.master_by_id(sealed_under(link.return_path)), _field_of(link), link.return_path
    )
    return SignedIn(cookie, path.decode())


def delete_expired(now: datetime) -> int:
    """Removes links past their time; how many."""
    with unit_of_work() as tx:
        return store.delete_expired_links(tx, now)


def _send_link(
    request: LinkRequest, base_url: str, site: str, now: datetime, keys: Keyring
) -> None:
    asked = _open(request, keys)
    found = _recipient(asked, keys)
    if found is None:
        return
    customer, address = found
    token = new_token()
    expires_at = request.requested_at + LINK_LIFETIME
    with unit_of_work() as tx:
        link = Link(digest(token), customer.id, request.binding, Sealed(b""), expires_at)
        sealed = seal(keys.master, _field_of(link), asked.return_path.encode())
        store.add_link(
            tx, Link(link.sha256, link.customer_id, link.binding, sealed, link.expires_at)
        )
        letter = letters.sign_in_link(
            address, customer.language or asked.language, site, f"{base_url}/sign-in/link/{token}"
        )
        life = data_keys.open_keys(customer.id, keys).life
        mail.post(letter, letters.SIGN_IN_LINK, customer.id, life, now, expires_at)


def _open(request: LinkRequest, keys: Keyring) -> Asked:
    field = Field("sign_in_request.asked", request.id, request.id)
    plain = unseal(keys.master_by_id(sealed_under(request.asked)), field, request.asked)
    address, customer, language, return_path = json.loads(plain)
    customer_id = None if customer is None else parse_customer_id(customer)
    return Asked(address, customer_id, language, return_path)


def _recipient(asked: Asked, keys: Keyring) -> tuple[Customer, str] | None:
    """Who is meant, and the address on file: never one that was only typed."""
    customer_id = asked.customer_id
    if asked.address is not None:
        typed = Identifier(IdentifierType.EMAIL, asked.address, asked.address)
        customer_id = customers.find_by_identifier(typed, keys)
    if customer_id is None:
        return None
    try:
        customer = customers.get_customer(customer_id, keys)
    except NotFound:
        return None  # erased meanwhile
    on_file = [i for i in customer.identifiers if i.type is IdentifierType.EMAIL]
    for each in on_file:
        if asked.address in (None, each.value):
            return customer, each.given if each.given.isascii() else each.value
    return None


def _field_of(link: Link) -> Field:
    return Field("sign_in_link.return_path", link.customer_id, link.row)
