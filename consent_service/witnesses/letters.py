"""A checkpoint as a letter: its text is the note and nothing else, to be kept as it is."""

from html import escape

from consent_service.ledger.tree_store import Kept
from consent_service.mail.model import Letter

CHECKPOINT = "witnesses.checkpoint"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{subject}</title></head>
<body style="font-family:system-ui,sans-serif">
<p>Please keep this message. What follows is a signed checkpoint of the log {origin}. If somebody \
changes or cuts that log, your copy shows it.</p>
<pre style="white-space:pre-wrap;word-break:break-all">{note}</pre>
</body></html>
"""


def checkpoint(to: str, kept: Kept) -> Letter:
    """The letter to a witness."""
    origin = kept.note.partition("\n")[0]
    subject = f"To keep: {kept.size} leaves of {origin}"
    html = _PAGE.format(subject=escape(subject), origin=escape(origin), note=escape(kept.note))
    return Letter(to, "en", subject, kept.note, html)
