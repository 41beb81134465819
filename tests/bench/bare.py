"""The yardstick: a Flask route that answers as a check does, and does nothing for it."""

from flask import Flask, jsonify, request

application = Flask(__name__)


@application.post("/v1/decisions")
def answer():
    """The size of an answer, made of nothing."""
    asked = request.get_json()
    return jsonify(
        decision_id="dec_" + "0" * 52,
        outcome="permit",
        reason="consent_given",
        purpose=asked["purpose"],
        channel="email",
        data_categories=["email_address", "name"],
        record_revision=2,
        notice_version="1",
        evaluated_at="2026-01-01T00:00:00.000000Z",
        valid_until="2026-01-01T00:01:00.000000Z",
    )
