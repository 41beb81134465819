"""Writes of several threads as one transaction of SQLite: to be durable takes one wait for the disk
then, and not one for each. Whoever leads has them all carried out by its own connection, when it is
its turn, and nobody is told before they are durable. What PostgreSQL is sent together: `pipeline`.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from sqlite3 import Connection, DatabaseError, OperationalError
from typing import Any

from consent_service.storage import turns
from consent_service.storage.groups import Group, Take, Work
from consent_service.storage.turns import Turn

Statement = tuple[str, Sequence[Any]]


class _Writes(Work):
    """Statements of one thread, all of them to be carried out or none."""

    __slots__ = ("statements", "touched")

    def __init__(self, statements: Sequence[Statement]) -> None:
        super().__init__()
        self.statements, self.touched = statements, 0


class Writers:
    """The threads of a process that write to one store."""

    def __init__(self, turn: Turn) -> None:
        self._turn, self._group = turn, Group[_Writes]()

    def carry_out(self, connection: Connection, statements: Sequence[Statement]) -> int:
        """Carries out statements as `in_order` does, all of them or none; it is durable when this
        returns. Raises: Unavailable when the turn does not come in time, the driver's errors."""
        own, until = _Writes(statements), time.monotonic() + turns.WAIT_S

        def write(take: Take[_Writes]) -> None:
            with self._turn.taken(until):
                _carry_out_together(connection, take())

        self._group.join(own, write)
        return own.touched


def in_order(connection: Connection, statements: Sequence[Statement]) -> int:
    """Sends one after another, if the first touches anything; how many rows it touched."""
    first, *others = statements
    touched = connection.execute(*first).rowcount
    if touched:
        for each in others:
            connection.execute(*each)
    return touched


def _carry_out_together(connection: Connection, works: Sequence[_Writes]) -> None:
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


def _in_transaction(connection: Connection, works: Sequence[_Writes]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for each in works:
            _carry_out_one(connection, each)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(DatabaseError):  # SQLite may have ended it by itself
            connection.execute("ROLLBACK")
        raise


def _carry_out_one(connection: Connection, work: _Writes) -> None:
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
