"""How openings and what was opened are shown, by the API and by the command."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from consent_service.kernel.clock import rfc3339
from consent_service.privacy_requests.model import request_id_text
from consent_service.proof_openings.model import Opening, opening_id_text, state_at
from consent_service.proof_openings.service import Found

_SHOWN = {"happened_at": "happened", "recorded_at": "recorded", "touchpoint": "touchpoint",
          "language": "language", "notice_version": "notice version"}  # fmt: skip


def opening_json(opening: Opening, now: datetime, reason: str | None = None) -> dict[str, Any]:
    """An opening, by the clock."""
    request, decided, fetched = opening.request_id, opening.decided_at, opening.fetched_at
    return {
        "id": opening_id_text(opening.id),
        "act": "open_kept_proof",
        "request_id": None if request is None else request_id_text(request),
        "legal_basis": opening.basis.value,
        "reason": reason,
        "state": state_at(opening, now).value,
        "asked_by": opening.asked_by,
        "asked_at": rfc3339(opening.asked_at),
        "expires_at": rfc3339(opening.expires_at),
        "decided_by": opening.decided_by,
        "decided_at": None if decided is None else rfc3339(decided),
        "fetched_at": None if fetched is None else rfc3339(fetched),
    }


def found_json(found: Found, now: datetime) -> dict[str, Any]:
    """What was opened."""
    return {
        "approval": opening_json(found.opening, now, found.reason),
        "kept_until": rfc3339(found.until),
        "events": found.events,
        "readable": "\n".join(_lines(found)) + "\n",
    }


def _lines(found: Found) -> Iterator[str]:
    opening = found.opening
    yield f"Proof of consent, opened by {opening.asked_by}, approved by {opening.decided_by}"
    yield f"Why: {_plain(found.reason)} ({opening.basis.value})"
    yield f"Kept until {rfc3339(found.until)}"
    for event in found.events:
        channel = f" by {event['channel']}" if event["channel"] else ""
        yield ""
        yield f"{event['event']}: {event['purpose']}{channel}"
        for name, word in _SHOWN.items():
            if event[name]:
                yield f"  {word}: {event[name]}"
        if event["by_guardian"]:
            yield "  said by a guardian"
        if event["imported"]:
            yield "  imported"
        for what, said in event["proof"].items():
            yield f"  {what}: {_plain(said)}"
        if event["notice"]:
            yield f"  words shown (SHA-256 {event['notice']['sha256']}):"
            yield from (f"    {_plain(line)}" for line in event["notice"]["text"].splitlines())


def _plain(said: Any) -> str:
    """On one line, and nothing that a terminal would take for a command."""
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else "�" for letter in text)
