"""Staff's passwords: argon2id, and what may not be one.

Source: RFC 9106, section 4 (second recommended option); OWASP ASVS 6.2; NIST SP 800-63B.
"""

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

SHORTEST = 12
LONGEST = 256

_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_COMMON = ("password", "passwort", "qwerty", "123456", "abcdef", "letmein", "welcome", "consent")

NOBODYS = (  # of a random value nobody kept: a wrong name takes as long as a wrong password
    "$argon2id$v=19$m=65536,t=3,p=4$OY5Do4KPL0CbiBJhnig4ew$"
    "SqlMSzKRGj6jQIsm1nCty4fe4kJkPN6yvFAyPG0G9k0"
)


def hash_of(password: str) -> str:
    """What is kept of a password."""
    return _hasher.hash(_normal(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether it is the password that was kept. Takes its time, also when none is."""
    try:
        found = _hasher.verify(kept or NOBODYS, _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return found and kept is not None


def is_weak(password: str, name: str) -> bool:
    """Too short, too long, of few letters, or easily guessed."""
    plain = _normal(password).casefold()
    if not SHORTEST <= len(plain) <= LONGEST or len(set(plain)) < 5:
        return True
    rest = plain
    for guess in (*_COMMON, name.casefold()):
        rest = rest.replace(guess, "")
    return len(rest) < SHORTEST // 2


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)
