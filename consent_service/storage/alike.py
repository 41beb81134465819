"""Rows of things that say much alike: what several have in common is put together once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection

from consent_service.storage.bulk import insert_alike, insert_rows
from consent_service.storage.db import Base

T = TypeVar("T")


def insert_each(
    tx: Connection,
    into: type[Base],
    things: Iterable[T],
    alike: Callable[[T], tuple[Any, ...]],
    values: Callable[[T], Mapping[str, Any]],
    own: Mapping[str, Sequence[Any]],
) -> None:
    """Inserts a row for each thing: its `own` columns, and all others as `values` gives them of one
    that is `alike`."""
    kinds: dict[tuple[Any, ...], int] = {}
    which: list[int] = []
    shared: list[Mapping[str, Any]] = []
    for thing in things:
        at = kinds.setdefault(alike(thing), len(kinds))
        if at == len(shared):
            shared.append(values(thing))
        which.append(at)
    if len(which) == 1:
        insert_rows(tx, into, shared)
    elif which:
        insert_alike(tx, into, shared, which, own)
