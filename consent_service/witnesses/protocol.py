"""Handing a checkpoint to a transparency witness, which co-signs what grew from what it saw.

Source: C2SP tlog-witness, `add-checkpoint`.
"""

import base64
import re

from consent_service.ledger import proofs
from consent_service.ledger.tree_store import Kept
from consent_service.web import egress
from consent_service.web.egress import Answer
from consent_service.witnesses.model import Fork, NotSent

_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_SIZE_KIND = "text/x.tlog.size"
_SAID = {
    400: "it could not read the request",
    403: "it knows none of this log's keys",
    404: "it does not know this log",
}


def add_checkpoint(prefix: str, kept: Kept, old: int, *, private: bool) -> list[str]:
    """The signature lines that a witness answers with. `old` is the size we think it has; where it
    has another one, that is tried once. Raises: Fork, NotSent, NotAllowed, NoAnswer."""
    answer = _submit(prefix, kept, old, private)
    known = _size_in(answer)
    if known is not None and known != old:
        old = known
        answer = _submit(prefix, kept, old, private)
    if answer.status != 200:
        raise _refusal(answer, kept, old)
    try:
        *lines, rest = answer.body.decode().split("\n")
    except UnicodeDecodeError:
        lines, rest = [], "?"
    if rest:
        raise NotSent("it answers with what is no co-signature")
    return lines


def _submit(prefix: str, kept: Kept, old: int, private: bool) -> Answer:
    if old > kept.size:
        raise Fork(f"it has seen {old} leaves of this log, which has {kept.size}")
    hashes = proofs.prove_consistency(old, kept.size) if old else []
    lines = [f"old {old}", *(base64.b64encode(one).decode() for one in hashes), "", kept.note]
    url = prefix.rstrip("/") + "/add-checkpoint"
    return egress.post(url, "\n".join(lines).encode(), "text/plain", private=private)


def _size_in(answer: Answer) -> int | None:
    """The size that the witness has, where it says so."""
    found = _SIZE.fullmatch(answer.body)
    if answer.status != 409 or answer.kind != _SIZE_KIND or found is None:
        return None
    return int(found[1])


def _refusal(answer: Answer, kept: Kept, old: int) -> NotSent:
    status = answer.status
    if status == 422 or (status == 409 and old == kept.size):
        return Fork(
            f"it has seen another log: these {kept.size} leaves did not grow from its {old}"
        )
    if 300 <= status < 400:
        return NotSent("it points elsewhere, and that is not followed")
    return NotSent(_SAID.get(status, f"it answers {status}"))
