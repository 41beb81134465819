"""The service's own keys, by version: master keys that wrap customers' keys, blind index
keys, signing keys, and those that sign the log. The newest of a kind seals, indexes or signs
(the log is signed by all); all of them open, find and verify.

A keyring is JSON, kept in a file of mode 0600 or an environment variable:
`{"format": 1, "keys": [{"use": "master", "id": "hex", "created_at": "…", "secret": "base64"}]}`.
An external key service stands behind `KeyProvider`: it hands the same keyring over at start.
"""

import base64
import binascii
import json
import os
import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from consent_service.crypto.envelope import KEY_LENGTH, SealingKey
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import MisconfiguredError


class KeyUse(StrEnum):
    """What a service key is for."""

    MASTER = "master"
    INDEX = "index"
    SIGNING = "signing"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """One version of a key. `id` is 4 random bytes; `created_at` is RFC 3339."""

    use: KeyUse
    id: bytes
    created_at: str
    secret: bytes

    def __repr__(self) -> str:
        return f"ServiceKey({self.use}, {self.id.hex()}, {self.created_at}, redacted)"


class Keyring:
    """Every version of every service key, oldest first."""

    def __init__(self, keys: Iterable[ServiceKey]) -> None:
        self.keys = tuple(keys)
        self._of = {use: tuple(key for key in self.keys if key.use is use) for use in KeyUse}
        for use in KeyUse:
            if not self.of(use):
                raise MisconfiguredError(f"the keyring has no {use} key")
        self._masters = {
            key.id: SealingKey.of(key.id, key.secret) for key in self.of(KeyUse.MASTER)
        }

    def of(self, use: KeyUse) -> tuple[ServiceKey, ...]:
        """The versions for one use, oldest first."""
        return self._of[use]

    def newest(self, use: KeyUse) -> ServiceKey:
        """The version that seals, indexes or signs now."""
        return self.of(use)[-1]

    @property
    def master(self) -> SealingKey:
        """The master key that wraps now."""
        return self._masters[self.newest(KeyUse.MASTER).id]

    def master_by_id(self, key_id: bytes) -> SealingKey:
        """The master key of that id. Raises: MisconfiguredError when it is not in the ring."""
        try:
            return self._masters[key_id]
        except KeyError:
            raise MisconfiguredError(
                f"the keyring lacks master key {key_id.hex()}, under which this data is "
                "sealed; put back the keyring that holds it"
            ) from None

    def has_master(self, key_id: bytes) -> bool:
        """Whether the ring holds that master key."""
        return key_id in self._masters

    def with_new(self, use: KeyUse, now: datetime) -> "Keyring":
        """The ring with one more, newest, version for a use."""
        return Keyring((*self.keys, _generate(use, now)))

    def without(self, key_id: bytes) -> "Keyring":
        """The ring less one version."""
        return Keyring(key for key in self.keys if key.id != key_id)


class KeyProvider(Protocol):
    """Where a keyring comes from. An external key service implements this."""

    def load(self) -> Keyring:
        """The keyring. Raises: MisconfiguredError."""


@dataclass(frozen=True, slots=True)
class FileProvider:
    """A keyring in a file that only its owner can read."""

    path: Path

    def load(self) -> Keyring:
        """The keyring in the file. Raises: MisconfiguredError."""
        try:
            mode = self.path.stat().st_mode
            text = self.path.read_text(encoding="ascii")
        except FileNotFoundError:
            raise MisconfiguredError(
                f"no key file at {self.path}; set CONSENT_KEY_FILE to one, "
                "or make one with `consent keys init`"
            ) from None
        except (OSError, UnicodeError) as error:
            raise MisconfiguredError(f"the key file {self.path} cannot be read: {error}") from None
        if mode & 0o077:
            raise MisconfiguredError(
                f"the key file {self.path} can be read by others; run chmod 600 on it"
            )
        return parse(text, str(self.path))

    def save(self, keyring: Keyring) -> None:
        """Replaces the file in one step, durably, with mode 0600."""
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=".keys-")
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(dump(keyring))
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


@dataclass(frozen=True, slots=True)
class TextProvider:
    """A keyring handed over as text, such as an environment variable's value."""

    text: str
    origin: str

    def load(self) -> Keyring:
        """The keyring in the text. Raises: MisconfiguredError."""
        return parse(self.text, self.origin)

    def __repr__(self) -> str:
        return f"TextProvider({self.origin}, redacted)"


class LiveKeyring:
    """The keyring as it is now: a file that was replaced is read again before the next use,
    so that a rotation needs no restart. While the file is away, the keys read last serve on."""

    def __init__(self, provider: KeyProvider) -> None:
        self._provider = provider
        self.load()

    def load(self) -> None:
        """Reads it, whatever was read before: in a process that was just forked, which must not
        begin with keys of long ago. Raises: MisconfiguredError."""
        self._stamp = self._file_stamp()
        self._keyring = self._provider.load()

    def current(self) -> Keyring:
        """The keyring now. Raises: MisconfiguredError."""
        stamp = self._file_stamp()
        if stamp is not None and stamp != self._stamp:
            self._keyring = self._provider.load()
            self._stamp = stamp
        return self._keyring

    def _file_stamp(self) -> tuple[int, int] | None:
        if not isinstance(self._provider, FileProvider):
            return None
        try:
            stat = self._provider.path.stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_mtime_ns


def generate(now: datetime) -> Keyring:
    """A new ring with one fresh key for each use."""
    return Keyring(_generate(use, now) for use in KeyUse)


def dump(keyring: Keyring) -> str:
    """The ring as JSON text, secrets included."""
    keys = [
        {
            "use": key.use.value,
            "id": key.id.hex(),
            "created_at": key.created_at,
            "secret": base64.b64encode(key.secret).decode(),
        }
        for key in keyring.keys
    ]
    return json.dumps({"format": 1, "keys": keys}, indent=2) + "\n"


def parse(text: str, origin: str) -> Keyring:
    """The ring that `dump` wrote. Raises: MisconfiguredError naming `origin`, never a secret."""
    try:
        document = json.loads(text)
        if document["format"] != 1:
            raise ValueError("unknown format")
        keys = [_parse_key(entry) for entry in document["keys"]]
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise MisconfiguredError(f"{origin} is not a keyring") from None
    ids = [key.id for key in keys]
    if len(set(ids)) != len(ids):
        raise MisconfiguredError(f"{origin} names a key id twice")
    return Keyring(keys)


def _parse_key(entry: dict[str, str]) -> ServiceKey:
    secret = base64.b64decode(entry["secret"], validate=True)
    key_id = bytes.fromhex(entry["id"])
    if len(secret) != KEY_LENGTH or len(key_id) != 4:
        raise ValueError("wrong length")
    if len(set(secret)) < 8:
        raise MisconfiguredError(f"key {entry['id']} is no random key; make one with the CLI")
    return ServiceKey(KeyUse(entry["use"]), key_id, entry["created_at"], secret)


def _generate(use: KeyUse, now: datetime) -> ServiceKey:
    return ServiceKey(use, secrets.token_bytes(4), rfc3339(now), secrets.token_bytes(KEY_LENGTH))
