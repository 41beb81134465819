"""Making packages: what the worker does. One that is killed leaves its lease to run out, and
another begins anew; a package is there, and its letter written, by one transaction."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from consent_service.catalogue import service as catalogues
from consent_service.crypto.data_keys import OpenKeys
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.customers.model import Customer, IdentifierType
from consent_service.jobs.model import LONGEST_RETRY, retry_delay
from consent_service.kernel.clock import Clock, rfc3339
from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.mail import service as mail
from consent_service.packages import letters, pieces, service, store
from consent_service.packages.archive import write_archive
from consent_service.packages.gathering import Asked, File, Walk, gather
from consent_service.packages.model import KEPT, LEASE, Package, PackageState, Part, is_to_be_made
from consent_service.packages.shape import FORMAT, VERSION
from consent_service.privacy_requests.letters import Site
from consent_service.privacy_requests.model import Request, request_id_text
from consent_service.privacy_requests.steps import get_request
from consent_service.recipients import service as recipients
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.web.texts import ENGLISH, language_for

_BATCH = 100

_log = structlog.get_logger("consent.packages")

Outstanding = Callable[[Request], Collection[str]]
"""Recipients who were asked to give what they hold for a request, and have not answered yet."""


class Lost(Exception):
    """Another has the package, or it is not wanted any more."""


class _HandedIn(Struct):
    """What other rooms do for packages."""

    walk: Walk | None = None
    outstanding: Outstanding = lambda _: ()


_others = _HandedIn()


def hand_in(walk: Walk, outstanding: Outstanding) -> None:
    """Says who walks all that is held of a customer, and who knows which recipients are still to
    give. For `app.py`."""
    _others.walk, _others.outstanding = walk, outstanding


class _Held:
    """A package that was taken up, kept while it is worked on."""

    def __init__(self, package: Package, clock: Clock) -> None:
        self.package, self._clock = package, clock

    def keep(self) -> None:
        """In the transaction of each piece: nothing is written of whom an erasure or a merge took
        away meanwhile. Raises: Lost."""
        kept = replace(self.package, leased_until=self._clock() + LEASE)
        with unit_of_work() as tx:
            if not store.change(tx, self.package, kept):
                raise Lost()


def build(site: Site, clock: Clock, keys: Keyring) -> int:
    """Makes the packages that wait for nothing more; how many. What fails in one is logged, and
    tried again: the others do not wait for it."""
    after, made = None, 0
    while True:
        with reading() as tx:
            found = store.list_waiting(tx, clock(), after, _BATCH)
        made += sum(_try(package, site, clock, keys) for package in found)
        if len(found) < _BATCH:
            return made
        after = found[-1].id


def _try(package: Package, site: Site, clock: Clock, keys: Keyring) -> bool:
    about = {"request": request_id_text(package.request_id), "tries": package.tries + 1}
    try:
        request = get_request(package.request_id)
        outstanding = _others.outstanding(request)
        if not is_to_be_made(package, outstanding, clock()):
            return False
        held = _take_up(package, clock())
        _make(held, request, outstanding, site, clock, keys)
    except Lost:
        _log.warning("packages:package:lost", **about)
        return False
    except Exception as error:  # whatever is wrong with one, the others must be made
        _log.error("packages:package:not_made", **about, error_kind=type(error).__name__)
        return False
    _log.info("packages:package:ready", **about)
    return True


def _take_up(package: Package, now: datetime) -> Package:
    """The package, ours; what its last try wrote is removed. Should nothing come of it, it is tried
    again when the lease is over, later each time."""
    wait = max(LEASE, retry_delay(package.tries + 1, LONGEST_RETRY))
    held = replace(
        package, tries=package.tries + 1, leased_until=now + wait, file=new_uuid(), size=0
    )
    with unit_of_work() as tx:
        if not store.change(tx, package, held):
            raise Lost()
        if package.file is not None:
            store.delete_file(tx, package.place, package.file)
    return held


def _make(
    package: Package,
    request: Request,
    outstanding: Iterable[str],
    site: Site,
    clock: Clock,
    keys: Keyring,
) -> None:
    assert package.file is not None  # since it was taken up
    place, now = CustomerId(package.place), clock()
    customer, opened = customers.get_customer(place, keys), data_keys.open_keys(place, keys)
    language = language_for(customer.language) or ENGLISH
    asked = Asked(request, place, language, site.base_url, now)
    with reading() as tx:
        parts = store.list_parts(tx, place, request.id)
    held = _Held(package, clock)
    sink = pieces.Writer(place, package.file, opened.life, held.keep)
    files = [(part, _file_of(part, opened)) for part in parts]
    named = [file for _, file in files]
    assert _others.walk is not None  # since there is an app
    found, uses = gather(asked, _others.walk, named, outstanding, held.keep, opened, keys)
    with found:
        contents = _contents(files, opened)
        write_archive(sink, _head(asked), found, uses, language, contents, now)
    sink.finish()
    _finish(package, sink.size, parts, partial(_tell, customer, asked, site, opened), clock())


def _finish(
    package: Package,
    size: int,
    parts: list[Part],
    tell: Callable[[datetime, datetime], None],
    now: datetime,
) -> None:
    """All that makes it ready, at once. A part that came meanwhile is not lost: it is made anew."""
    ready = replace(
        package,
        state=PackageState.READY,
        leased_until=None,
        size=size,
        ready_at=now,
        expires_at=now + KEPT,
    )
    with unit_of_work() as tx:
        service.lock(package.place)
        given = store.list_parts(tx, package.place, package.request_id)
        if {part.id for part in given} != {part.id for part in parts}:
            raise Lost()
        if not store.change(tx, package, ready):
            raise Lost()
        for part in given:
            store.delete_part(tx, part)
        recipients.give_up(package.request_id, now)
        tell(now, now + KEPT)


def _tell(
    customer: Customer,
    asked: Asked,
    site: Site,
    opened: OpenKeys,
    now: datetime,
    until: datetime,
) -> None:
    """Writes to the address on file; where there is none, staff hand the package over."""
    on_file = [i for i in customer.identifiers if i.type is IdentifierType.EMAIL]
    if on_file:
        address = on_file[0].given if on_file[0].given.isascii() else on_file[0].value
        letter = letters.ready(address, asked.language, site, asked.request.kind)
        mail.post(letter, letters.READY, asked.customer, opened.life, now, until)


def _head(asked: Asked) -> dict[str, Any]:
    controller = catalogues.current().controller
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": asked.request.kind.value,
        "request_id": request_id_text(asked.request.id),
        "made_at": rfc3339(asked.now),
        "language": asked.language.code,
        "controller": {
            "name": controller.name,
            "contact": controller.contact,
            "privacy_officer": controller.privacy_officer,
        },
    }


def _file_of(part: Part, opened: OpenKeys) -> File:
    name = service.open_name(part, opened.life)
    path = f"recipients/{part.recipient}/{name}"
    return File(path, part.recipient, part.content_type, part.size)


def _contents(
    files: list[tuple[Part, File]], opened: OpenKeys
) -> Iterator[tuple[File, Iterable[bytes]]]:
    for part, file in files:
        read = pieces.read_pieces(part.place, part.id, opened.life)
        yield file, (piece for piece, _ in read)
