"""Whom rows name."""

import re
from collections.abc import Sequence

from consent_service.customers.model import HashedIdentifier, IdentifierType
from consent_service.customers.normaliser import NotUsable, identifier
from consent_service.decisions.crowd import Crowd, Hashes, Ids, Subject
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import parse_customer_id, parse_customer_ids
from consent_service.screenings.model import Column, Unusable

_PLAIN = {
    Column.EMAIL: IdentifierType.EMAIL,
    Column.PHONE: IdentifierType.PHONE,
    Column.CUSTOMER_NUMBER: IdentifierType.CUSTOMER_NUMBER,
    Column.DEVICE: IdentifierType.DEVICE,
}
_HASHED = {
    Column.EMAIL_SHA256: IdentifierType.EMAIL,
    Column.PHONE_SHA256: IdentifierType.PHONE,
}
_HEX_DIGITS = 64
_BEGIN = re.compile(rb'"|\{ ?"(customer_id|email_sha256|phone_sha256)" ?: ?"')


def subject_of(column: Column, text: str) -> Subject | Unusable:
    """Whom a value of a column names."""
    try:
        if column is Column.CUSTOMER_ID:
            return parse_customer_id(text)
        if column in _HASHED:
            if len(text) != _HEX_DIGITS:
                return Unusable.NOT_USABLE
            return HashedIdentifier(_HASHED[column], bytes.fromhex(text))
        return identifier(_PLAIN[column], text)
    except (NotFound, NotUsable, ValueError):
        return Unusable.NOT_USABLE


def crowd_of(column: Column, texts: Sequence[str]) -> Crowd | None:
    """Whom values of a column name, read all at once; None where one of them has to be looked at
    by itself."""
    if column is Column.CUSTOMER_ID:
        ids = parse_customer_ids(texts)
        return None if ids is None else Ids(ids)
    if column not in _HASHED or set(map(len, texts)) > {_HEX_DIGITS}:
        return None
    try:
        inners = bytes.fromhex("".join(texts))
    except ValueError:
        return None
    whole = len(inners) * 2 == len(texts) * _HEX_DIGITS  # spaces are left out
    return Hashes(_HASHED[column], inners) if whole else None


def crowd_alike(block: bytes, wanted: Column | None) -> Crowd | None:
    """Whom lines of NDJSON name, where each says that alone, and all are written as the first is;
    None where it takes a decoder to know. What stands between names is looked for, in an eighth of
    its time: no id and no hash has any of it."""
    begin = _BEGIN.match(block)
    if begin is None:
        return None
    column = Column(begin[1].decode()) if begin[1] else Column.CUSTOMER_ID
    end = (b'"}' if begin[1] else b'"') + (b"\r\n" if block.endswith(b"\r\n") else b"\n")
    if not block.endswith(end) or (begin[1] and wanted not in (None, column)):
        return None
    names = block[begin.end() : -len(end)].decode("ascii", "replace")
    return crowd_of(column, names.split((end + begin[0]).decode()))
