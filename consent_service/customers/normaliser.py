"""One form for every way of writing an identifier, so that it is found again.

E-mail: NFKC, casefold, IDNA domain; dots and tags stay, since only the provider knows what
they mean. Phone: E.164. Version 1: a change of these rules is a new version, and rows say
under which they were indexed.
"""

import re
import unicodedata
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from consent_service.customers.model import Identifier, IdentifierType

VERSION = 1

_ATEXT = r"[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]+"
_PLAIN_EMAIL = re.compile(rf"({_ATEXT}(?:\.{_ATEXT})*)@([A-Za-z0-9.\-]+)")
_LONGEST_EMAIL = 254
_DIALLED = re.compile(r"(?:tel:)?[+\d\s()./\-\u2010-\u2015]+")
_DEVICE = re.compile(r"[A-Za-z0-9._\-]{16,128}")


class NotUsable(ValueError):
    """The value cannot be an identifier of that type; the text says why, without the value."""


def identifier(
    kind: IdentifierType, given: str, source: str | None = None, region: str | None = None
) -> Identifier:
    """The identifier that `given` is. `region` (ISO 3166 country) reads national phone numbers.

    Raises: NotUsable.
    """
    text = unicodedata.normalize("NFKC", given).strip()
    if kind is IdentifierType.PHONE:
        text = _without_marks(text)
    if not text or len(text) > 320 or not text.isprintable():
        raise NotUsable("empty, too long, or with characters that do not show")
    if kind is IdentifierType.EMAIL:
        value = _email(text)
    elif kind is IdentifierType.PHONE:
        value = _phone(text, region)
    elif kind is IdentifierType.DEVICE:
        if not _DEVICE.fullmatch(text):
            raise NotUsable("a device id is 16 to 128 of A-Z, a-z, 0-9, . _ -")
        value = text
    else:
        if len(text) > 64:
            raise NotUsable("a customer number has at most 64 characters")
        value = text
    return Identifier(kind, value, given.strip(), source)


def _without_marks(text: str) -> str:
    """Without the marks of direction that address books put around a phone number."""
    if text.isprintable():
        return text
    return "".join(c for c in text if unicodedata.category(c) != "Cf").strip()


def _email(text: str) -> str:
    """The library's answer. Of a plain address, which most are, only the domain can be wrong or
    written otherwise, and domains come again: asking for that alone is ten times faster."""
    plain = _PLAIN_EMAIL.fullmatch(text)
    if plain is not None and len(text) <= _LONGEST_EMAIL:
        return f"{plain[1].casefold()}@{_plain_domain(plain[2])}"
    return _whole_email(text)


@lru_cache(maxsize=1024)
def _plain_domain(domain: str) -> str:
    return _whole_email("a@" + domain).partition("@")[2]


def _whole_email(text: str) -> str:
    try:
        checked = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        raise NotUsable("not an e-mail address") from None
    return f"{checked.local_part.casefold()}@{checked.ascii_domain.casefold()}"


def _phone(text: str, region: str | None) -> str:
    """Letters are refused: the library takes them for the keys they stand on."""
    if not _DIALLED.fullmatch(text):
        raise NotUsable("not a phone number that can be read as E.164")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise NotUsable("not a phone number that can be read as E.164") from None
    if number.extension or not phonenumbers.is_possible_number(number):
        raise NotUsable("not a phone number that can be read as E.164")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
