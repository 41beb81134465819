"""Judging an audience, before anything is logged of it. It is read twice: for whom it names, and,
once the store has answered, for its rows; so that neither waits in memory.

While the store takes names in, the next are read; and of a large audience, while it looks for those
of one piece, the next piece is read, and the one before it is written.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import datetime
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue
from consent_service.crypto.keyring import Keyring
from consent_service.crypto.spool import Spool
from consent_service.decisions.audience import Audience, Piece
from consent_service.kernel.errors import Invalid
from consent_service.kernel.heap import share_heap, trim_heap
from consent_service.screenings.forms import Form, Portion, form_of
from consent_service.screenings.lanes import PIECE, Lane, Lanes, Progress
from consent_service.screenings.model import Request
from consent_service.screenings.tally import Tally

_GIVEN_AT_ONCE = 1 << 16
_LOOKED_AT, _SIZE = 1 << 18, 12 << 20  # one by one: their names wait in memory


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
    piece_rows: int = PIECE,
) -> JudgedAudience:
    """Judges each row. `progress` is told often how many rows more are judged. Who names more than
    `piece_rows` has so many looked for at once, and as many beside them.

    Raises: Invalid for an unknown purpose or a body that cannot be read; Unavailable.
    """
    share_heap()
    trim_heap()
    catalogue, permitted, tally = catalogue_for(asked), Spool(), Tally()
    readers = received.reader(), received.reader()
    form = form_of(asked.form, *readers, permitted, asked.column)
    audience = Audience(asked.question, catalogue, now, keys)
    portions = form.portions()
    with Lanes(progress, piece_rows) as lanes:
        begun: deque[_Begun] = deque()
        for first in portions:
            piece = Piece(audience, tally.members.add)
            begun.append(_begin(piece, chain([first], portions), tally, lanes))
            while len(begun) >= lanes.many or (begun and begun[-1].alone):
                _end(begun.popleft(), form, tally, lanes)
        while begun:
            _end(begun.popleft(), form, tally, lanes)
    tally.members.end_part()
    trim_heap()
    asked = replace(asked, question=replace(asked.question, channel=audience.channel))
    return JudgedAudience(asked, client_id, now, catalogue, form, permitted, tally)


def catalogue_for(asked: Request) -> Catalogue:
    """The catalogue in force. Raises: Invalid unless it has the purpose."""
    found = catalogues.current()
    if asked.question.purpose not in found.purposes:
        raise Invalid.at("/purpose", "unknown_purpose", "Not in the catalogue.")
    return found


class _Begun(Struct, frozen=True):
    """A piece about which the store is asked. `rows` has how many each portion has; one is to be
    `alone` when many of its names wait in memory."""

    piece: Piece
    rows: list[int]
    given: Future[None]
    answered: Future[None]
    alone: bool


def _begin(piece: Piece, portions: Iterator[Portion], tally: Tally, lanes: Lanes) -> _Begun:
    """Fills a piece, and begins to have it answered."""
    lane = lanes.next()
    rows, size, looked_at, given = [], 0, 0, None
    for portion in portions:
        piece.add(portion.crowd)
        tally.unusable.update([one.value for one in portion.unusable])
        rows.append(len(portion.crowd))
        size, looked_at = size + portion.size, looked_at + len(portion.crowd) * bool(portion.size)
        if piece.waiting >= _GIVEN_AT_ONCE:
            given = _give(piece, lane, lanes, given)
        if looked_at >= _LOOKED_AT or size >= _SIZE or lanes.is_full(len(piece.codes)):
            break
    given = _give(piece, lane, lanes, given)
    alone = looked_at * 2 >= _LOOKED_AT or size * 2 >= _SIZE
    return _Begun(piece, rows, given, lane.begin(piece.answer, lane.gathering), alone)


def _give(piece: Piece, lane: Lane, lanes: Lanes, given: Future[None] | None) -> Future[None]:
    """Has the store take in those who wait, when it has what it was `given` before."""
    if given is not None:
        lanes.end(given)
    return lane.begin(lane.gathering.add, piece.give())


def _end(begun: _Begun, form: Form, tally: Tally, lanes: Lanes) -> None:
    """Counts what came of a piece, and writes its rows."""
    lanes.end(begun.given)
    lanes.end(begun.answered)
    permits, at = tally.count(begun.piece), 0
    for count in begun.rows:
        form.keep(permits[at : at + count])
        at += count
    lanes.progress(at)
