"""SQL of co-signatures."""

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, Select, and_, insert, select, tuple_
from sqlalchemy.exc import IntegrityError

from consent_service.ledger.tables import LedgerCheckpointRow, LedgerCosignatureRow
from consent_service.ledger.tree_store import Kept

_row = LedgerCosignatureRow


class Confirmed(Struct, frozen=True):
    """A checkpoint that a witness co-signed: its line, the verifier key that the line is of, and
    when it was made. `witness` is our name for it."""

    size: int
    witness: str
    verifier: str
    root: bytes
    line: str
    at: datetime


def add(tx: Connection, new: Confirmed) -> bool:
    """Keeps a co-signature; False when there is one of this witness and size: the first stays."""
    try:
        with tx.begin_nested():
            tx.execute(
                insert(_row).values(
                    size=new.size,
                    witness=new.witness,
                    verifier=new.verifier,
                    root=new.root,
                    line=new.line,
                    cosigned_at=new.at,
                )
            )
    except IntegrityError:
        return False
    return True


def list_lines(tx: Connection, kept: Kept, limit: int) -> list[str]:
    """The witnesses' lines under a checkpoint."""
    query = select(_row.line).where(_row.size == kept.size, _row.root == kept.root)
    return list(tx.scalars(query.order_by(_row.witness).limit(limit)))


def list_confirmed(tx: Connection, after: tuple[int, str], limit: int) -> list[Confirmed]:
    """Co-signatures past a size and a witness, the smallest size first."""
    query = select(_row.__table__).where(tuple_(_row.size, _row.witness) > after)
    found = tx.execute(query.order_by(_row.size, _row.witness).limit(limit))
    return [
        Confirmed(
            each.size, each.witness, each.verifier, bytes(each.root), each.line, each.cosigned_at
        )
        for each in found
    ]


def find_newest(tx: Connection) -> Kept | None:
    """The newest checkpoint that a witness co-signed."""
    kept = LedgerCheckpointRow
    query: Select[int, bytes, str] = select(kept.size, kept.root, kept.note).join(
        _row, and_(_row.size == kept.size, _row.root == kept.root)
    )
    found = tx.execute(query.order_by(kept.size.desc()).limit(1)).one_or_none()
    return None if found is None else Kept(found.size, bytes(found.root), found.note)
