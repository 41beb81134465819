"""A small catalogue in which each rule has a purpose that meets it; as a document."""

import json

BASES = [
    "consent", "contract", "legal_obligation", "vital_interests", "public_task",
    "legitimate_interests",
]  # fmt: skip
KINDS = ["access", "portability", "rectification", "erasure", "restriction", "objection"]

# The last version of each comes into use 90 days after the tests' clock starts.
VERSIONS = [
    ("legacy", "material", "2000-01-01T00:00:00Z"),
    ("1", "minor", "2026-01-01T00:00:00Z"),
    ("2", "material", "2026-06-01T00:00:00Z"),
]


def document(*purposes, **changes):
    found = purposes or PURPOSES
    return {
        "languages": ["en", "ru"],
        "controller": {
            "name": "Ottermoor",
            "contact": "privacy@example.org",
            "privacy_officer": "dpo@example.org",
            "logo": None,
            "accent_colour": "#1b5e57",
        },
        "jurisdictions": {
            "DE": jurisdiction(BASES),
            "IN": jurisdiction(["consent", "legal_obligation"]),
            "US": jurisdiction(BASES),
            "US-CA": jurisdiction(BASES),
        },
        "data_categories": [
            {"key": key, "text": texts(key), "sensitive": False}
            for key in ("email_address", "phone_number", "name", "purchase_history")
        ],
        "data_sources": [{"key": "web_shop", "party": "first", "text": texts("Web shop")}],
        "recipients": [
            {"key": key, "role": "processor", "country": "DE", "text": texts(key)}
            for key in ("mailer", "broker", "warehouse")
        ],
        "touchpoints": [
            {"key": key, "kind": key, "text": texts(key)} for key in ("web", "store", "import")
        ],
        "notices": [
            {
                "key": "notice",
                "version": version,
                "change": change,
                "in_use_from": in_use_from,
                "text": texts(f"Notice {version}"),
            }
            for version, change, in_use_from in VERSIONS
        ],
        "purposes": [*found],
        **changes,
    }


def jurisdiction(bases):
    return {
        "accepted_bases": bases,
        "request_days": dict.fromkeys(KINDS, 30),
        "extension_days": 60,
        "source": "A test's own",
    }


def texts(text):
    return {"en": text, "ru": f"{text} (ru)"}


def purpose(key, **changes):
    inner = {"title": key, "description": f"What {key} is for.", "benefit": "Some."}
    return {
        "key": key,
        "text": {"en": inner, "ru": inner},
        "legal_basis": "consent",
        "notice": "notice",
        "channels": ["email"],
        "data_categories": ["email_address", "name"],
        "data_sources": ["web_shop"],
        "recipients": ["mailer"],
        "regime": {"default": "opt_in", "by": []},
        "direct_marketing": True,
        "sale_or_targeted_advertising": False,
        "explicit": False,
        "separate": False,
        "minimum_age": None,
        "confirmation": "single",
        "restriction_ground": None,
        "validity_days": None,
        "retention_days": 730,
        "proof_retention_days": 1095,
        "answer_lifetime_s": 60,
        **changes,
    }


def opt_out(jurisdiction):
    rule = {"jurisdiction": jurisdiction, "regime": "opt_out"}
    return {"default": "opt_in", "by": [rule]}


PURPOSES = [
    purpose("news", minimum_age=16, regime=opt_out("US-CA")),
    purpose("texts", channels=["sms"], confirmation="double", validity_days=30),
    purpose("offers", channels=["email", "sms", "push"]),
    purpose(
        "ads", channels=[], recipients=["broker"], sale_or_targeted_advertising=True,
        regime=opt_out("US-CA"),
    ),
    purpose("printed", channels=["post"], legal_basis="legitimate_interests"),
    purpose(
        "orders", channels=["email", "post"], legal_basis="contract", direct_marketing=False,
        recipients=["mailer", "warehouse"], restriction_ground=None,
    ),
    purpose(
        "recalls", legal_basis="legal_obligation", direct_marketing=False,
        restriction_ground="public_interest",
    ),
]  # fmt: skip


def text(*purposes, **changes):
    return json.dumps(document(*purposes, **changes))
