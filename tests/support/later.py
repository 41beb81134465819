"""Screenings that are answered later, as a client asks for them and a worker answers them."""

import json

from consent_service.screenings import pieces, working
from consent_service.web.runtime import keys

BASE = "/v1/screenings"
NDJSON = "application/x-ndjson"


def ndjson(*rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def ask(shop, body, form=NDJSON, prefer="respond-async", **query):
    asked = {"purpose": "news", "recipient": "mailer", **query}
    headers = {"Prefer": prefer}
    return shop.api.send(
        "POST", BASE, data=body, content_type=form, query_string=asked, headers=headers
    )


def accepted(reply):
    """Where the job is."""
    assert reply.status_code == 202, reply.get_data(as_text=True)
    assert reply.headers["Preference-Applied"] == "respond-async"
    return reply.headers["Location"]


def work(shop, ring=None):
    """Answers what is due, as the worker does; how many jobs."""
    with shop.app.app_context():
        done = 0
        while working.answer_next(shop.clock, ring or keys()):
            done += 1
        return done


def expire(shop):
    """Removes what is over, as the worker does."""
    with shop.app.app_context():
        return working.delete_expired(shop.clock())


def entries(shop):
    return [row for row in shop.rows("ledger_entries") if row["kind"] == "screening"]


def small_pieces(monkeypatch):
    """Files of many pieces, from small audiences."""
    monkeypatch.setattr(pieces, "PIECE", 64)
