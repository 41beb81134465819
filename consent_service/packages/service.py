"""A package as others know it: asked for, added to, fetched once, gone. `building` makes it."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from consent_service.catalogue import service as catalogues
from consent_service.crypto.envelope import Field, SealingKey, seal, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.clock import Clock
from consent_service.kernel.errors import Invalid, NotFound
from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.packages import pieces, store
from consent_service.packages.model import (
    GOES_WITHOUT,
    LEASE,
    MOST_PARTS,
    Package,
    PackageBeingFetched,
    PackageClosed,
    PackageGone,
    PackageNotReady,
    PackageState,
    Part,
    content_type_of,
    is_free,
)
from consent_service.privacy_requests.carriers import Outcome
from consent_service.privacy_requests.model import (
    UNDER_WAY,
    Request,
    RequestKind,
    request_id_text,
)
from consent_service.privacy_requests.steps import get_request
from consent_service.recipients import service as recipients
from consent_service.storage.unit_of_work import reading, unit_of_work

KINDS = (RequestKind.ACCESS, RequestKind.PORTABILITY)
_BATCH = 100


class Fetching(Struct, frozen=True):
    """A package that somebody is at, and for whom it is opened."""

    package: Package
    request: Request
    actor: Actor
    life: SealingKey


def carry(request: Request, now: datetime, keys: Keyring) -> Outcome | None:
    """Carries access and portability: asks for the package, and recipients for their part of it,
    and is done when it is ready. Raises: NotFound for a customer or a request that is no more."""
    with unit_of_work() as tx:
        lock(request.place)
        get_request(request.id)  # an erasure may have taken it away
        package = store.find_of_request(tx, request.place, request.id)
        if package is None:
            waits_until = request.due_at - GOES_WITHOUT
            waiting = PackageState.WAITING
            store.add(tx, Package(request.place, new_uuid(), request.id, waiting, now, waits_until))
            recipients.tell(request, now, keys)
            return None
    return None if package.state is PackageState.WAITING else Outcome()


def find_package(request: Request) -> Package | None:
    """The package of a request."""
    with reading() as tx:
        return store.find_of_request(tx, request.place, request.id)


def add_part(
    request_id: UUID, recipient: str, name: str, content: bytes, now: datetime, keys: Keyring
) -> Part:
    """Takes what a recipient holds of whoever made a request; what it gave under the same name is
    replaced. The end of the name says what it is. Raises: NotFound, Invalid, PackageClosed."""
    content_type = content_type_of(name, len(content))
    if recipient not in catalogues.current().recipients:
        raise Invalid.at("/recipient", "unknown_recipient", "Not in the catalogue.")
    customer = CustomerId(get_request(request_id).place)
    with unit_of_work() as tx:
        place = customers.lock_resolved([customer])[0][customer]  # merged meanwhile, perhaps
        request = get_request(request_id)
        _check_open(request)
        life = data_keys.open_keys(place, keys).life
        given = [p for p in store.list_parts(tx, place, request_id) if p.recipient == recipient]
        same = [part for part in given if open_name(part, life) == name]
        for part in same:
            store.delete_part(tx, part)
        if len(given) - len(same) >= MOST_PARTS:
            raise PackageClosed()
        part = _part(request, recipient, name, content_type, len(content), now, life)
        store.add_part(tx, part)
        writer = pieces.Writer(place, part.id, life, lambda: None)
        writer.write(content)
        writer.finish()
    return part


def open_name(part: Part, life: SealingKey) -> str:
    """The name of a recipient's file. Raises: SealBroken."""
    return unseal(life, name_field(part.place, part.id), part.name).decode()


def name_field(customer: UUID, part_id: UUID) -> Field:
    """What the seal of a name is for."""
    return Field("package_part.name", customer, part_id)


def begin_fetch(request: Request, actor: Actor, now: datetime, keys: Keyring) -> Fetching:
    """Takes a package to send it, which is logged. Raises: NotFound, PackageNotReady,
    PackageBeingFetched, PackageGone."""
    if not request.known or request.kind not in KINDS:
        raise NotFound()
    with unit_of_work() as tx:
        lock(request.place)
        life = data_keys.open_keys(CustomerId(request.place), keys).life
        package = store.find_of_request(tx, request.place, request.id)
        _check_ready(package, now)
        assert package is not None
        held = replace(package, tries=package.tries + 1, leased_until=now + LEASE)
        if not store.change(tx, package, held):
            raise PackageBeingFetched()
        fetching = Fetching(held, request, actor, life)
        ledger.append([_entry(fetching, "download_begun", now)])
    return fetching


def send(fetching: Fetching, clock: Clock) -> Iterator[bytes]:
    """First nothing; then the package, piece by piece. It was fetched when the last piece was
    taken and more asked for; until then whatever breaks it off gives it free again. Raises:
    PackageBeingFetched when another took it over, SealBroken, Unavailable."""
    package, is_done = fetching.package, False
    assert package.file is not None  # since it is ready
    try:
        yield b""
        for piece, is_last in pieces.read_pieces(package.place, package.file, fetching.life):
            yield piece
            if not is_last:
                _keep(package, clock())
        _finish(fetching, clock())
        is_done = True
    finally:
        if not is_done:
            _let_go(package)


def delete_expired(now: datetime) -> int:
    """Ends packages that nobody fetched in time; how many. Raises: Unavailable."""
    ended = 0
    while True:
        with reading() as tx:
            over = store.list_expired(tx, now, _BATCH)
        ended += sum(_end(package, PackageState.EXPIRED, now) for package in over)
        if len(over) < _BATCH:
            return ended


def lock(place: UUID) -> None:
    """Holds a customer until the unit of work ends, so that nothing is written of whom an erasure
    or a merge takes away. Raises: NotFound when they are gone."""
    customers.lock_customers([CustomerId(place)])


def _check_open(request: Request) -> None:
    """Raises: PackageClosed."""
    package = find_package(request)
    made = package is not None and package.state is not PackageState.WAITING
    if request.kind not in KINDS or request.state not in UNDER_WAY or made:
        raise PackageClosed()


def _check_ready(package: Package | None, now: datetime) -> None:
    """Raises: PackageNotReady, PackageGone, PackageBeingFetched."""
    if package is None or package.state is PackageState.WAITING:
        raise PackageNotReady()
    over = package.expires_at is None or package.expires_at <= now
    if package.state is not PackageState.READY or over:
        raise PackageGone()
    if not is_free(package, now):
        raise PackageBeingFetched()


def _keep(package: Package, now: datetime) -> None:
    with unit_of_work() as tx:
        if not store.change(tx, package, replace(package, leased_until=now + LEASE)):
            raise PackageBeingFetched()


def _finish(fetching: Fetching, now: datetime) -> None:
    with unit_of_work():
        lock(fetching.package.place)
        if not _end(fetching.package, PackageState.FETCHED, now):
            raise PackageBeingFetched()
        ledger.append([_entry(fetching, "downloaded", now)])


def _let_go(package: Package) -> None:
    with unit_of_work() as tx:
        store.change(tx, package, replace(package, leased_until=None))


def _end(package: Package, state: PackageState, now: datetime) -> bool:
    """Ends a package, and its pieces with it. False when another is at it."""
    ended = replace(package, state=state, leased_until=None, file=None, ended_at=now)
    with unit_of_work() as tx:
        if not store.change(tx, package, ended):
            return False
        if package.file is not None:
            store.delete_file(tx, package.place, package.file)
    return True


def _part(
    request: Request,
    recipient: str,
    name: str,
    content_type: str,
    size: int,
    now: datetime,
    life: SealingKey,
) -> Part:
    part_id = new_uuid()
    sealed = seal(life, name_field(request.place, part_id), name.encode())
    return Part(request.place, part_id, request.id, recipient, sealed, content_type, size, now)


def _entry(fetching: Fetching, outcome: str, now: datetime) -> Entry:
    request, actor = fetching.request, fetching.actor
    named = "" if actor.kind is ActorKind.CUSTOMER else actor.id
    entry = Entry(
        new_uuid(),
        request.place,
        True,
        EntryKind.PRIVACY_REQUEST,
        now,
        now,
        client_id=actor.in_log,
        outcome=outcome,
        reason=request.kind.value,
    )
    payload = {"request": request_id_text(request.id), "actor": f"{actor.kind}:{named}"}
    return ledger.sealed_entry(entry, payload, fetching.life)
