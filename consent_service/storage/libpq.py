"""What the third door sends PostgreSQL through: see `direct`."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import RawCursor, pq
from psycopg.adapt import PyFormat, Transformer
from sqlalchemy.pool import PoolProxiedConnection

from consent_service.storage.pipeline import DONE, Pipeline, Statement, error_of


def sender(connection: PoolProxiedConnection) -> Any:
    """Sends a statement and its values, and gives what has `rowcount` and `fetchall`. For a
    connection that nothing else is sent through."""
    found = connection.info.get(_Alone)
    if found is None:
        found = connection.info[_Alone] = _Alone(connection.driver_connection)
    return found.execute


def sender_along(pipeline: Pipeline) -> Any:
    """As `sender`, for one thread's that go along with those of others."""
    return _Along(pipeline).execute


def sender_within(connection: PoolProxiedConnection) -> Any:
    """As `sender`, for the connection of a unit of work. There psycopg sends what it is given: it
    begins the transaction at its own first statement, and has the store forget all that is
    prepared when one was rolled back."""
    raw: Any = connection.driver_connection
    return partial(RawCursor(raw).execute, prepare=True, binary=True)


class _Postgres:
    """libpq, spoken to past psycopg's cursors. What takes long to write as text is sent in binary,
    and everything comes back so."""

    def __init__(self, connection: Any = None) -> None:
        self._values: Any = Transformer(connection)

    def execute(self, text: str, given: list[Any]) -> "_Postgres":
        """Sends a statement, and waits for the answer. Raises: psycopg's errors, Unavailable."""
        formats = [_BINARY if type(value) in _AS_BINARY else _TEXT for value in given]
        sent = self._values.dump_sequence(given, formats)
        self._result = self._answer(text, sent, self._values.formats)
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

    def _answer(
        self, text: str, values: Sequence[Any], formats: Sequence[pq.Format]
    ) -> pq.abc.PGresult:
        raise NotImplementedError


class _Alone(_Postgres):
    """Over a connection of its own, on which statements are prepared at first use."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._libpq: pq.abc.PGconn = connection.pgconn
        self._names: dict[str, bytes] = {}

    def _answer(
        self, text: str, values: Sequence[Any], formats: Sequence[pq.Format]
    ) -> pq.abc.PGresult:
        name = self._names.get(text) or self._prepare(text)
        return self._sound(self._libpq.exec_prepared(name, values, formats, pq.Format.BINARY))

    def _prepare(self, text: str) -> bytes:
        name = b"consent_%d" % len(self._names)
        self._sound(self._libpq.prepare(name, text.encode()))
        self._names[text] = name
        return name

    def _sound(self, result: pq.abc.PGresult) -> pq.abc.PGresult:
        if result.status not in DONE:
            raise error_of(self._libpq, result)
        return result


class _Along(_Postgres):
    """Along with what other threads send."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        self._pipeline = pipeline

    def _answer(
        self, text: str, values: Sequence[Any], formats: Sequence[pq.Format]
    ) -> pq.abc.PGresult:
        return self._pipeline.carry_out(Statement(text, values, formats))


_TEXT, _BINARY = PyFormat.TEXT, PyFormat.BINARY
_AS_BINARY = frozenset({bytes, UUID, datetime})  # an int's size would have to be its column's
