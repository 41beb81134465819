"""What is sent: a CloudEvents envelope, signed as Standard Webhooks says. No I/O.

Source: CloudEvents 1.0.2, JSON event format (structured mode); Standard Webhooks 1.0.0, signature
scheme v1: HMAC-SHA-256 of `id.timestamp.body`, in base64.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

import msgspec

from consent_service.webhooks.events import Event

MEDIA_TYPE = "application/cloudevents+json"
_PREFIX = "whsec_"
_BYTES = 32
_encode = msgspec.json.encode


def new_secret() -> str:
    """A signing secret as its owner gets it: `whsec_` and 256 random bits in base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def body_of(event: Event, source: str) -> bytes:
    """The event in its envelope. The same event makes the same bytes."""
    envelope = {
        "specversion": "1.0",
        "id": event.id,
        "source": source,
        "type": event.type,
        "time": event.time,
        "datacontenttype": "application/json",
    }
    if "customer_id" in event.said:
        envelope["subject"] = event.said["customer_id"]
    return _encode({**envelope, "data": event.said})


def headers_of(event_id: str, seconds: int, body: bytes, live: Iterable[str]) -> dict[str, str]:
    """The headers that prove a body, signed by every live secret. `seconds` is Unix time."""
    signed = f"{event_id}.{seconds}.".encode() + body
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(_signature(secret, signed) for secret in live),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
