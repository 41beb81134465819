"""Walks all that is held of a person, once, and puts it aside with what it means: names of the
catalogue, the wording that was shown, receipts, sentences."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue, Party
from consent_service.consents import receipts
from consent_service.crypto.data_keys import OpenKeys
from consent_service.crypto.keyring import Keyring
from consent_service.disclosures import sources
from consent_service.kernel.clock import parse_rfc3339
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId, decode
from consent_service.packages.gathered import Gathered
from consent_service.packages.log_rows import Uses, log_rows
from consent_service.packages.shape import TABLES
from consent_service.privacy_requests.model import Request, RequestKind
from consent_service.web.texts import Language

Row = Mapping[str, Any]
Walk = Callable[[CustomerId, Keyring], Mapping[str, Iterable[Row]]]
"""All that rooms export of a customer, by name; a value may be a stream. Raises: NotFound."""

_BY_US = frozenset({"revoked"})
_FROM_OTHERS = frozenset({Party.SECOND.value, Party.THIRD.value})
_COMPUTED = frozenset({"sources", "log", "recipients", "files", "privacy_request_steps"})


class Asked(Struct, frozen=True):
    """For whom and about whom a package is. `issuer` is the address that receipts name."""

    request: Request
    customer: CustomerId
    language: Language
    issuer: str
    now: datetime

    @property
    def portable(self) -> bool:
        """Whether it tells only what the person gave."""
        return self.request.kind is RequestKind.PORTABILITY


class File(Struct, frozen=True):
    """A file of a recipient, where it stands in the package."""

    path: str
    recipient: str
    content_type: str
    size: int


def gather(
    asked: Asked,
    walk: Walk,
    files: Iterable[File],
    outstanding: Iterable[str],
    tick: Callable[[], None],
    opened: OpenKeys,
    keys: Keyring,
) -> tuple[Gathered, Uses]:
    """Everything, put aside, and of the log what a page shows. `outstanding` are recipients who
    were asked and have not answered; `tick` is called again and again meanwhile. Raises:
    NotFound, Unavailable, SealBroken."""
    found = Gathered(portable=asked.portable)
    uses = Uses({}, {}, deque(maxlen=Uses.MOST))
    try:
        _put_exported(found, asked, walk(asked.customer, keys), keys)
        spoken = sources.list_sources(asked.customer, asked.language, keys)
        found.put("sources", ({n: getattr(s, n) for n in s.__struct_fields__} for s in spoken))
        found.put("log", log_rows(asked.customer, asked.language, opened.life, uses, tick))
        given = list(files)
        found.put("files", ({n: getattr(f, n) for n in f.__struct_fields__} for f in given))
        found.put("recipients", _recipients(asked.language, uses, given, outstanding))
    except BaseException:
        found.close()
        raise
    return found, uses


def _put_exported(
    found: Gathered, asked: Asked, exported: Mapping[str, Iterable[Row]], keys: Keyring
) -> None:
    requests = list(exported["privacy_requests"])
    steps = [{"request_id": each["id"], **step} for each in requests for step in each["steps"]]
    changed = {
        "profile": lambda rows: _by_party(rows, asked),
        "identifiers": lambda rows: _by_party(rows, asked),
        "facts": lambda rows: (r for r in rows if r["gpc_since"] or not asked.portable),
        "consent_records": lambda rows: _titled(rows, asked.language),
        "consent_events": lambda rows: _events(rows, asked, keys),
    }
    for table in TABLES:
        if table.name not in _COMPUTED:
            rows = exported[table.name]
            found.put(table.name, changed.get(table.name, iter)(rows))
    found.put("privacy_request_steps", steps)


def _by_party(rows: Iterable[Row], asked: Asked) -> Iterator[Row]:
    """Each with the party of its source; for portability without what others told of the person."""
    declared = catalogues.current().data_sources
    for row in rows:
        source = declared.get(row["source"] or "")
        party = None if source is None else source.party.value
        if not (asked.portable and party in _FROM_OTHERS):
            yield {**row, "party": party}


def _titled(rows: Iterable[Row], language: Language) -> Iterator[Row]:
    catalogue = catalogues.current()
    for row in rows:
        yield {**row, "title": _title(catalogue, row["purpose"], language)}


def _events(rows: Iterable[Row], asked: Asked, keys: Keyring) -> Iterator[Row]:
    """Events with the wording that was shown, in the language it was shown in, and a receipt."""
    for row in rows:
        if asked.portable and row["event"] in _BY_US:
            continue
        catalogue = catalogues.at(parse_rfc3339(row["recorded_at"]))
        yield {
            **row,
            "title": _title(catalogue, row["purpose"], asked.language),
            "wording": _wording(catalogue, row),
            "receipt": _receipt(row, asked, keys),
        }


def _title(catalogue: Catalogue, key: str, language: Language) -> str:
    purpose = catalogue.purposes.get(key)
    if purpose is None:
        return key
    return (purpose.text.get(language.code) or purpose.text[catalogue.languages[0]]).title


def _wording(catalogue: Catalogue, row: Row) -> str | None:
    purpose = catalogue.purposes.get(row["purpose"])
    if purpose is None:
        return None
    notice = catalogue.find_notice(purpose.notice, row["notice_version"] or "")
    return None if notice is None else notice.text.get(row["language"] or "")


def _receipt(row: Row, asked: Asked, keys: Keyring) -> str | None:
    customer, event = decode("evt", row["id"], 2)
    try:
        found = receipts.get_receipt(CustomerId(customer), event, asked.issuer)
    except NotFound:
        return None  # of a purpose that the catalogue did not have then
    return receipts.sign_receipt(found, keys)


def _recipients(
    language: Language, uses: Uses, files: list[File], outstanding: Iterable[str]
) -> Iterator[Row]:
    """Whom the data went to, or who was asked, or gave; and how many files each gave."""
    declared = catalogues.current().recipients
    keys = {*uses.last_used_at, *outstanding, *(file.recipient for file in files)}
    for key in sorted(keys):
        known = declared.get(key)
        yield {
            "recipient": key,
            "name": None if known is None else _name(known.text, language),
            "role": None if known is None else known.role.value,
            "country": None if known is None else known.country,
            "last_used_at": uses.last_used_at.get(key),
            "files": sum(file.recipient == key for file in files),
        }


def _name(texts: Mapping[str, str], language: Language) -> str:
    return texts.get(language.code) or texts[catalogues.current().languages[0]]
