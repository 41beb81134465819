"""The worker's part: one process of a machine writes the journal."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import structlog

from consent_service.crypto.keyring import Keyring
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.errors import MisconfiguredError
from consent_service.ledger import renaming
from consent_service.operations.following import Follower, PutBack
from consent_service.operations.journal import Journal, sole_writer
from consent_service.operations.marking import mark
from consent_service.operations.model import BadBackup

_EVERY_S = 1.0

_log = structlog.get_logger()


class Keeper:
    """Writes what is new to the journal, once a second, if nobody else does."""

    def __init__(self, directory: Path, base_url: str) -> None:
        self._directory, self._base_url = directory, base_url
        self._held = ExitStack()
        self._follower: Follower | None = None
        self._due = 0.0

    def work(self, now: Callable[[], datetime], keys: Keyring) -> int:
        """How much it wrote. Where the log is shorter than the journal knows it, the store was put
        back by other tools than ours, and answers nothing from now on.

        Raises: MisconfiguredError when nothing can be written.
        """
        if time.monotonic() < self._due:
            return 0
        self._due = time.monotonic() + _EVERY_S
        try:
            if self._follower is None:
                self._follower = self._begin(now(), keys)
            return 0 if self._follower is None else self._follower.follow(now(), keys)
        except PutBack:
            _log.error("operations:store:put_back")
            mark(renaming.find_newest(), self._base_url, SYSTEM, now())
            return 0
        except OSError as error:
            self._let_go()
            raise MisconfiguredError(f"CONSENT_JOURNAL_DIR: {error.strerror}") from None
        except BadBackup as error:
            raise MisconfiguredError(f"CONSENT_JOURNAL_DIR: {error.text}") from None

    def _let_go(self) -> None:
        """Begins anew the next time: what was not written is looked for again."""
        self._held.close()
        self._follower = None

    def _begin(self, now: datetime, keys: Keyring) -> Follower | None:
        held = ExitStack()
        if not held.enter_context(sole_writer(self._directory)):
            held.close()
            return None
        self._held = held
        return Follower(Journal(self._directory, keys), self._base_url, now)
