"""Screenings in few words."""

import hashlib
import json

BASE = "/v1/screenings"
NDJSON, CSV, PARQUET = "application/x-ndjson", "text/csv", "application/vnd.apache.parquet"


def people_of(shop):
    """Ann said yes, Ben no, Cleo nothing, and Dora's address bounces although she said yes."""
    found = {
        name: shop.customer(f"{name}@example.org", f"+4930123456{at}")
        for at, name in enumerate(("ann", "ben", "cleo", "dora"))
    }
    shop.say(found["ann"], "given")
    shop.say(found["ben"], "refused")
    shop.say(found["dora"], "given")
    shop.suppress("dora@example.org", "undeliverable", channel="email")
    return found


def screen(shop, body, form=NDJSON, **query):
    asked = {"purpose": "news", "recipient": "mailer", **query}
    return shop.api.send("POST", BASE, data=body, content_type=form, query_string=asked)


def ndjson(*rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def answered(reply):
    """The rows that came back, and the summary."""
    assert reply.status_code == 200, reply.get_data(as_text=True)
    *rows, last = [json.loads(line) for line in reply.get_data().splitlines()]
    return rows, last["summary"]


def hashed(text):
    return hashlib.sha256(text.encode()).hexdigest()
