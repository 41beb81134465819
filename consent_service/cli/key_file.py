"""The key file as commands change it: made once, added to under a lock, never overwritten."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from consent_service.config import Settings
from consent_service.crypto import keyring
from consent_service.crypto.keyring import FileProvider, KeyUse, ServiceKey
from consent_service.kernel.errors import Conflict, MisconfiguredError


def provider_of(settings: Settings) -> FileProvider:
    """The key file of the settings. Raises: MisconfiguredError when the keys are in none."""
    provider = settings.key_provider
    if not isinstance(provider, FileProvider):
        raise MisconfiguredError(
            "the keys come from CONSENT_KEYRING, which a command cannot change; put its text "
            "into a file of mode 0600, run this with CONSENT_KEY_FILE naming that file, then "
            "set CONSENT_KEYRING to the file's new text wherever the service runs"
        )
    return provider


def create(path: Path, now: datetime) -> None:
    """A key file with one fresh key of each use; its directory is made if need be.

    Raises: Conflict when there is one, MisconfiguredError when it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise Conflict(
            f"{path} exists, and stays as it is. `consent keys rotate` adds a key to it."
        ) from None
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        FileProvider(path).save(keyring.generate(now))
    except BaseException:
        path.unlink()
        raise


def add_key(provider: FileProvider, use: KeyUse, now: datetime) -> ServiceKey:
    """Adds a newest key for a use; which. Raises: MisconfiguredError."""
    try:
        with _locked(provider.path.parent):
            ring = provider.load().with_new(use, now)
            provider.save(ring)
    except OSError as error:
        raise _unwritable(provider.path, error) from None
    return ring.newest(use)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Two rotations at once would each write a ring that lacks the other's key."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> MisconfiguredError:
    return MisconfiguredError(f"the key file {path} cannot be written: {error.strerror}")
