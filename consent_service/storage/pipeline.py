"""Statements of several threads over one connection to PostgreSQL, sent in one go by whoever leads
(`groups`). For a short statement the store, and the kernel on both sides, do more to be asked than
to answer; and what several write becomes durable by one wait for the disk.

What is sent so waits for no lock, else one would keep all others waiting: see `Prepared`.
"""

import time
from collections.abc import Callable, Sequence
from select import POLLIN, POLLOUT, poll
from typing import Any

from psycopg import Error, OperationalError, errors, pq
from sqlalchemy.pool import PoolProxiedConnection

from consent_service.storage.db import IDLE_S
from consent_service.storage.groups import Group, Take, Work

LOST_AFTER_S = 35.0  # without a word: the store ends a statement after 30. Of several it may say
# nothing before the last, so that those who are told that they may be lost may yet be carried out.


class Statement(Work):
    """A statement of one thread's, its values as libpq takes them, and what came of it."""

    __slots__ = ("formats", "result", "text", "values")

    def __init__(self, text: str, values: Sequence[Any], formats: Sequence[pq.Format]) -> None:
        super().__init__()
        self.text, self.values, self.formats = text, values, formats
        self.result: pq.abc.PGresult | None = None


class Pipeline:
    """What the threads of a process send through together."""

    def __init__(self, check_out: Callable[[], PoolProxiedConnection]) -> None:
        self._check_out, self._group = check_out, Group[Statement]()
        self._link: _Link | None = None

    def carry_out(self, statement: Statement) -> pq.abc.PGresult:
        """What came of it; what it wrote is durable then. Raises: Unavailable, psycopg's errors."""
        self._group.join(statement, self._lead)
        assert statement.result is not None
        return statement.result

    def close(self) -> None:
        """Ends the connection. Nobody must be at it."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _lead(self, take: Take[Statement]) -> None:
        link, statements = self._linked(), list[Statement]()
        try:
            statements = take()
            link.carry_out(statements)
        except Error as error:
            self.close()
            for each in statements:
                if not each.done and each.error is None:
                    each.error = error
        except BaseException:
            self.close()
            raise

    def _linked(self) -> "_Link":
        if self._link is not None and not self._link.is_there():
            self.close()
        if self._link is None:
            self._link = _Link(self._check_out())
        return self._link


class _Link:
    """A connection in libpq's pipeline mode. It is of no more use once it raised."""

    def __init__(self, connection: PoolProxiedConnection) -> None:
        self._connection = connection
        raw: Any = connection.driver_connection
        self._libpq: pq.abc.PGconn = raw.pgconn
        self._libpq.enter_pipeline_mode()
        self._libpq.nonblocking = 1
        self._ready = poll()
        self._ready.register(self._libpq.socket, POLLIN)
        self._names: dict[str, bytes] = {}
        self._used_at = time.monotonic()

    def is_there(self) -> bool:
        """Whether the store still answers: it is asked where it has not been for a second."""
        if time.monotonic() - self._used_at < IDLE_S:
            return True
        try:
            self._results()
        except Error:
            return False
        return True

    def close(self) -> None:
        """Ends it."""
        self._connection.invalidate()
        self._connection.close()

    def carry_out(self, statements: Sequence[Statement]) -> None:
        """Carries out all of them, in one transaction. What is wrong with one is no fault of the
        others. Raises: psycopg's errors, when not all were carried out."""
        sound = [each for each in statements if each.text in self._names or self._prepare(each)]
        if sound and not self._together(sound):
            for each in sound:
                self._together([each])
        self._used_at = time.monotonic()

    def _together(self, statements: Sequence[Statement]) -> bool:
        """Whether each is carried out, or known to be wrong; if not, none is."""
        for each in statements:
            self._libpq.send_query_prepared(
                self._names[each.text], each.values, each.formats, pq.Format.BINARY
            )
        found = self._results()
        wrong = [each for each in found if each.status not in DONE]
        if not wrong:
            for each, each.result in zip(statements, found, strict=True):
                each.done = True
        else:
            error = error_of(self._libpq, wrong[0])
            if len(statements) == 1:
                statements[0].error = error
            elif _is_the_stores(error):  # each by itself would wait as long, one after another
                raise error
        return not wrong or len(statements) == 1

    def _prepare(self, statement: Statement) -> bool:
        name = b"consent_%d" % len(self._names)
        self._libpq.send_prepare(name, statement.text.encode())
        (result,) = self._results()
        if result.status not in DONE:
            error = error_of(self._libpq, result)
            if _is_the_stores(error):
                raise error
            statement.error = error
            return False
        self._names[statement.text] = name
        return True

    def _results(self) -> list[pq.abc.PGresult]:
        """Ends the transaction of what was sent; what came of each."""
        libpq, found = self._libpq, list[pq.abc.PGresult]()
        libpq.pipeline_sync()
        while libpq.flush():
            self._wait(POLLIN | POLLOUT)
            libpq.consume_input()
        ended = False
        while True:
            while libpq.is_busy():
                self._wait(POLLIN)
                libpq.consume_input()
            result = libpq.get_result()
            if result is None and ended:
                raise OperationalError("the store answered less than it was asked")
            ended = result is None  # what came of one statement
            if result is None:
                continue
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return found
            if libpq.status != pq.ConnStatus.OK:
                raise error_of(libpq, result)
            found.append(result)

    def _wait(self, events: int) -> None:
        """For the store, while other threads go on."""
        if events != POLLIN:
            self._ready.modify(self._libpq.socket, events)
        ready = self._ready.poll(LOST_AFTER_S * 1_000)
        if events != POLLIN:
            self._ready.modify(self._libpq.socket, POLLIN)
        if not ready:
            raise OperationalError("the store has not answered for too long")


class Left(OperationalError):
    """The connection is of no more use."""


def error_of(libpq: pq.abc.PGconn, result: pq.abc.PGresult) -> Error:
    """What was wrong with a statement. Raises: Left, where that is the connection."""
    error = errors.error_from_result(result)
    stale = isinstance(error, _STALE)
    if stale or libpq.status != pq.ConnStatus.OK:
        raise Left("the connection is of no more use") from error
    return error


def _is_the_stores(error: Error) -> bool:
    """Whether it says nothing of the statement: a lock on the table, no room on the disk."""
    one_of_two = isinstance(error, errors.DeadlockDetected | errors.SerializationFailure)
    return isinstance(error, OperationalError) and not one_of_two


_STALE = (
    errors.FeatureNotSupported,  # prepared before a migration
    errors.InvalidSqlStatementName,  # forgotten, by whoever stands between
    errors.ReadOnlySqlTransaction,  # this is no primary, or was none when it was asked for
)
DONE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
