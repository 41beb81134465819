"""Judging an audience, before anything is logged of it. It is read twice: for whom it names, and,
once the store has answered, for its rows; so that neither waits in memory.

While the store takes names in, the next are read.
"""

import ctypes
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue
from consent_service.crypto.keyring import Keyring
from consent_service.crypto.spool import Spool
from consent_service.decisions.audience import Audience, Piece
from consent_service.decisions.audience_store import Gathering
from consent_service.kernel.errors import Invalid
from consent_service.screenings.forms import Form, Portion, form_of
from consent_service.screenings.model import Request
from consent_service.screenings.tally import Tally

Progress = Callable[[int], None]
T = TypeVar("T")

_ROWS = 1 << 22  # a byte each, and of the store's memory 64
_GIVEN_AT_ONCE = 1 << 17
_LOOKED_AT, _SIZE = 1 << 18, 12 << 20  # one by one: their names wait in memory
_PATIENCE_S = 1.0
_ARENA_MAX = -8  # in malloc.h


class JudgedAudience(Struct):
    """An audience whose rows are all judged, and of which nothing is logged. `permitted` has
    the rows that are."""

    asked: Request
    client_id: str
    now: datetime
    catalogue: Catalogue
    form: Form
    permitted: Spool
    tally: Tally


def judge_audience(
    received: Spool,
    asked: Request,
    client_id: str,
    now: datetime,
    keys: Keyring,
    progress: Progress = lambda _: None,
) -> JudgedAudience:
    """Judges each row. `progress` is told often how many rows more are judged.

    Raises: Invalid for an unknown purpose or a body that cannot be read; Unavailable.
    """
    _share_heap()
    catalogue, permitted, tally = catalogue_for(asked), Spool(), Tally()
    readers = received.reader(), received.reader()
    form = form_of(asked.form, *readers, permitted, asked.column)
    audience = Audience(asked.question, catalogue, now, keys)
    portions = form.portions()
    with _Beside(progress) as beside:
        for first in portions:
            piece = Piece(audience, tally.members.add)
            rows = _judge(piece, chain([first], portions), tally, beside)
            permits, at = tally.count(piece), 0
            for count in rows:
                form.keep(permits[at : at + count])
                at += count
            progress(at)
    tally.members.end_part()
    _share_heap()
    asked = replace(asked, question=replace(asked.question, channel=audience.channel))
    return JudgedAudience(asked, client_id, now, catalogue, form, permitted, tally)


def catalogue_for(asked: Request) -> Catalogue:
    """The catalogue in force. Raises: Invalid unless it has the purpose."""
    found = catalogues.current()
    if asked.question.purpose not in found.purposes:
        raise Invalid.at("/purpose", "unknown_purpose", "Not in the catalogue.")
    return found


def _share_heap() -> None:
    """Has threads take memory from where others gave it back, and not each from a place of its
    own, and gives back what is free: a process grows by two thirds."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):  # the GNU C library
        library.mallopt(_ARENA_MAX, 1)
        library.malloc_trim(0)


class _Beside:
    """Another thread, which speaks with the store. Whoever waits for it says so every second."""

    def __init__(self, progress: Progress) -> None:
        self._pool, self._context, self._progress = ThreadPoolExecutor(1), copy_context(), progress

    def __enter__(self) -> "_Beside":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def begin(self, work: Callable[..., T], *given: Any) -> Future[T]:
        """Begins some work, after all before."""
        return self._pool.submit(self._context.run, work, *given)

    def end(self, begun: Future[T]) -> T:
        """What came of it."""
        self._progress(0)
        while not wait([begun], _PATIENCE_S).done:
            self._progress(0)
        return begun.result()


def _judge(piece: Piece, portions: Iterator[Portion], tally: Tally, beside: _Beside) -> list[int]:
    """Fills a piece and has it answered; how many rows each portion has."""
    gathering = beside.begin(Gathering).result()
    try:
        rows = _fill(piece, gathering, portions, tally, beside)
        beside.end(beside.begin(piece.answer, gathering))
        beside.end(beside.begin(piece.answer_others))  # as they were at the same moment
    finally:
        beside.begin(gathering.close).result()
    return rows


def _fill(
    piece: Piece, gathering: Gathering, portions: Iterator[Portion], tally: Tally, beside: _Beside
) -> list[int]:
    rows, size, looked_at, given = [], 0, 0, None
    for portion in portions:
        piece.add(portion.crowd)
        tally.unusable.update([one.value for one in portion.unusable])
        rows.append(len(portion.crowd))
        size, looked_at = size + portion.size, looked_at + len(portion.crowd) * bool(portion.size)
        if piece.waiting >= _GIVEN_AT_ONCE:
            if given is not None:
                beside.end(given)
            given = beside.begin(gathering.add, piece.give())
        if len(piece.codes) >= _ROWS or looked_at >= _LOOKED_AT or size >= _SIZE:
            break
    if given is not None:
        beside.end(given)
    beside.end(beside.begin(gathering.add, piece.give()))
    return rows
