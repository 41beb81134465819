"""Writes that go together, and only if the first of them finds its row: on PostgreSQL they are one
statement, and so one message and one transaction; SQLite, which has no such statements, is sent one
after another in a transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    CTE,
    ColumnElement,
    Insert,
    Update,
    bindparam,
    exists,
    insert,
    inspect,
    literal_column,
    select,
    update,
)

from consent_service.storage.db import Base
from consent_service.storage.direct import Door
from consent_service.storage.prepared import Along, Prepared

_ONE: ColumnElement[int] = literal_column("1")


class Adding(Struct, frozen=True):
    """A row to add. Its parameters are called as its columns are, after a prefix unless they are
    `shared` with other writes."""

    into: type[Base]
    prefix: str
    shared: Collection[str] = ()

    def alone(self) -> Insert:
        """As a statement of its own."""
        return insert(self.into).values(self._parameters())

    def after(self, first: CTE) -> Insert:
        """As a part of a statement, for when `first` found its row."""
        parameters = self._parameters()
        said = select(*parameters.values()).select_from(first)
        return insert(self.into).from_select(list(parameters), said)

    def _parameters(self) -> dict[str, ColumnElement[Any]]:
        columns = self.into.__table__.columns
        return {c.name: bindparam(self._called(c.name), type_=c.type) for c in columns}

    def _called(self, column: str) -> str:
        return column if column in self.shared else self.prefix + column


class Changing(Struct, frozen=True):
    """Columns to change where a condition holds."""

    of: type[Base]
    where: ColumnElement[bool]
    values: Mapping[str, ColumnElement[Any]]

    def alone(self) -> Update:
        """As a statement of its own."""
        return update(self.of).where(self.where).values(self.values)

    def unless_locked(self) -> Update:
        """As a statement of its own, which passes by a row that somebody else has locked."""
        (key,) = inspect(self.of).primary_key
        free = select(key).where(self.where).with_for_update(key_share=True, skip_locked=True)
        found = free.correlate(None).scalar_subquery()
        return update(self.of).where(key == found).values(self.values)

    def after(self, first: CTE) -> Update:
        """As a part of a statement, for when `first` found its row."""
        return self.alone().where(exists(select(_ONE).select_from(first)))


class Together:
    """Writes of which the first says whether the others are carried out at all."""

    def __init__(self, first: Changing, then: Sequence[Adding | Changing]) -> None:
        cte = first.unless_locked().returning(_ONE).cte("first")
        parts = [each.after(cte).cte(f"then_{at}") for at, each in enumerate(then)]
        self._at_once = Prepared(select(_ONE).select_from(cte).add_cte(*parts), Along.WRITING)
        self._first = Prepared(first.alone())
        self._then = [Prepared(each.alone()) for each in then]

    def carry_out(self, door: Door, **values: Any) -> bool:
        """Whether it was done; if not, nothing was. Raises: Unavailable, Refused."""
        if door.dialect.name == "postgresql":
            return bool(door.rows(self._at_once, **values))
        return door.execute_together(self._first, self._then, **values)
