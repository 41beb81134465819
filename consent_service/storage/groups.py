"""Writes of several threads as one transaction of SQLite: to be durable takes one wait for the disk
then, and not one for each. Whoever comes first has them all carried out by its own connection, when
it is its turn, and those who came meanwhile are told when theirs is durable too. PostgreSQL does
the like by itself.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from sqlite3 import Connection, DatabaseError, OperationalError
from threading import Lock
from typing import Any

from consent_service.kernel.errors import Unavailable
from consent_service.storage.turns import WAIT_S, Turn

Statement = tuple[str, Sequence[Any]]

_MOST = 64  # at once: the first of them waits for the last


class _Work:
    """What one thread wants done. It `leads` when it is the one to do it for others too."""

    __slots__ = ("done", "error", "leads", "statements", "touched", "until", "woken")

    def __init__(self, statements: Sequence[Statement]) -> None:
        self.statements, self.until = statements, time.monotonic() + WAIT_S
        self.leads = self.done = False
        self.error: Exception | None = None
        self.touched = 0
        self.woken = Lock()
        self.woken.acquire()


class Group:
    """The threads of a process that write to one store."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._lock, self._waiting, self._is_led = Lock(), list[_Work](), False

    def carry_out(self, connection: Connection, statements: Sequence[Statement]) -> int:
        """Carries out statements as `in_order` does, all of them or none; it is durable when this
        returns. Raises: Unavailable when the turn does not come in time, the driver's errors."""
        own = _Work(statements)
        if not self._leads_at_once(own):
            self._wait(own)
        if own.leads:
            self._lead(own, connection)
        if own.error is not None:
            raise own.error
        if not own.done:
            raise Unavailable()
        return own.touched

    def _leads_at_once(self, own: _Work) -> bool:
        with self._lock:
            self._waiting.append(own)
            own.leads, self._is_led = not self._is_led, True
            return own.leads

    def _wait(self, own: _Work) -> None:
        """Until it is done, or its turn to lead."""
        if own.woken.acquire(timeout=max(0.0, own.until - time.monotonic())):
            return
        with self._lock:
            if own in self._waiting and not own.leads:
                self._waiting.remove(own)
                raise Unavailable()
        own.woken.acquire()  # it is being carried out

    def _lead(self, own: _Work, connection: Connection) -> None:
        works: list[_Work] = []
        try:
            with self._turn.taken(own.until):
                works = self._those_who_wait(own)
                _carry_out_together(connection, works)
        finally:
            self._hand_on(own)
            for each in works:
                each.woken.release()

    def _those_who_wait(self, own: _Work) -> list[_Work]:
        with self._lock:
            self._waiting.remove(own)
            found = [own, *self._waiting[: _MOST - 1]]
            del self._waiting[: _MOST - 1]
            return found

    def _hand_on(self, own: _Work) -> None:
        """Has the next one lead, if there is one."""
        with self._lock:
            if own in self._waiting:
                self._waiting.remove(own)
            self._is_led = bool(self._waiting)
            if self._is_led:
                self._waiting[0].leads = True
                self._waiting[0].woken.release()


def in_order(connection: Connection, statements: Sequence[Statement]) -> int:
    """Sends one after another, if the first touches anything; how many rows it touched."""
    first, *others = statements
    touched = connection.execute(*first).rowcount
    if touched:
        for each in others:
            connection.execute(*each)
    return touched


def _carry_out_together(connection: Connection, works: Sequence[_Work]) -> None:
    """In one transaction; what is wrong with one of them is no fault of the others. When the store
    cannot carry it out, none is done."""
    try:
        if len(works) == 1 and len(works[0].statements) == 1:
            works[0].touched = in_order(connection, works[0].statements)
        else:
            _in_transaction(connection, works)
    except DatabaseError as error:
        for each in works:
            each.error = error
    else:
        for each in works:
            each.done = True


def _in_transaction(connection: Connection, works: Sequence[_Work]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for each in works:
            _carry_out_one(connection, each)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(DatabaseError):  # SQLite may have ended it by itself
            connection.execute("ROLLBACK")
        raise


def _carry_out_one(connection: Connection, work: _Work) -> None:
    several = len(work.statements) > 1  # one by itself leaves nothing behind when it fails
    if several:
        connection.execute("SAVEPOINT one")
    try:
        work.touched = in_order(connection, work.statements)
    except OperationalError:
        raise
    except Exception as error:
        if not connection.in_transaction:  # the others' part is gone as well
            raise OperationalError("the store ended the transaction") from error
        work.error = error
        if several:
            connection.execute("ROLLBACK TO one")
    if several:
        connection.execute("RELEASE one")
