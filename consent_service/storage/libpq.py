"""What the third door sends PostgreSQL through: see `direct`."""

from datetime import datetime
from functools import partial
from typing import Any, NoReturn
from uuid import UUID

from psycopg import RawCursor, errors, pq
from psycopg.adapt import PyFormat, Transformer
from sqlalchemy.pool import PoolProxiedConnection


def sender(connection: PoolProxiedConnection) -> Any:
    """Sends a statement and its values, and gives what has `rowcount` and `fetchall`. For a
    connection that nothing else is sent through."""
    found = connection.info.get(_Postgres)
    if found is None:
        found = connection.info[_Postgres] = _Postgres(connection.driver_connection)
    return found.execute


def sender_within(connection: PoolProxiedConnection) -> Any:
    """As `sender`, for the connection of a unit of work. There psycopg sends what it is given: it
    begins the transaction at its own first statement, and has the store forget all that is
    prepared when one was rolled back."""
    raw: Any = connection.driver_connection
    return partial(RawCursor(raw).execute, prepare=True, binary=True)


class _Postgres:
    """A connection of psycopg's, spoken to through libpq: statements are prepared at first use.
    What takes long to write as text is sent in binary, and everything comes back so."""

    def __init__(self, connection: Any) -> None:
        self._libpq: pq.abc.PGconn = connection.pgconn
        self._values: Any = Transformer(connection)
        self._names: dict[str, bytes] = {}

    def execute(self, text: str, given: list[Any]) -> "_Postgres":
        """Sends a statement, and waits for the answer. Raises: psycopg's errors."""
        name = self._names.get(text) or self._prepare(text)
        formats = [_BINARY if type(value) in _AS_BINARY else _TEXT for value in given]
        sent = self._values.dump_sequence(given, formats)
        result = self._libpq.exec_prepared(name, sent, self._values.formats, 1)
        if result.status not in _DONE:
            self._fail(result)
        self._result = result
        return self

    @property
    def rowcount(self) -> int:
        """How many rows the statement sent last touched."""
        return self._result.command_tuples or 0

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows of the statement sent last."""
        self._values.set_pgresult(self._result)
        found: list[tuple[Any, ...]] = self._values.load_rows(0, self._result.ntuples, tuple)
        return found

    def _prepare(self, text: str) -> bytes:
        name = b"consent_%d" % len(self._names)
        result = self._libpq.prepare(name, text.encode())
        if result.status not in _DONE:
            self._fail(result)
        self._names[text] = name
        return name

    def _fail(self, result: pq.abc.PGresult) -> NoReturn:
        error = errors.error_from_result(result)
        stale = isinstance(error, errors.FeatureNotSupported)  # prepared before a migration
        if stale or self._libpq.status != pq.ConnStatus.OK:
            raise errors.OperationalError("the connection is of no more use") from error
        raise error


_TEXT, _BINARY = PyFormat.TEXT, PyFormat.BINARY
_AS_BINARY = frozenset({bytes, UUID, datetime})  # an int's size would have to be its column's
_DONE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
