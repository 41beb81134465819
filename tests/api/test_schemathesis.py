"""The live app against its own document: whatever is sent, answers are as documented."""

import os
from datetime import timedelta

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig

from consent_service import openapi
from consent_service.oauth.model import Scope

CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            # What the shape allows the catalogue may refuse: an unknown purpose is a 422.
            "positive_data_acceptance": {
                "expected-statuses": ["2xx", "401", "404", "409", "412", "422", "428", "503"]
            },
            "negative_data_rejection": {"expected-statuses": ["4xx"]},
        }
    }
)


@schemathesis.serializer("application/x-ndjson", "application/vnd.apache.parquet")
def as_bytes(_, value):
    return value if isinstance(value, bytes) else str(value).encode()


FUZZING = os.environ.get("CONSENT_TEST_PROFILE") == "fuzz"

schema = schemathesis.openapi.from_dict(openapi.document(), config=CONFIG)


@pytest.fixture
def live(client, make_client, token_for, sample_catalogue):
    """The app behind WSGI, and a token for everything."""
    token = token_for(make_client("fuzzer", frozenset(Scope), ["email_service", "sms_gateway"]))
    return client.application, token


@schema.parametrize()
@settings(
    max_examples=200 if FUZZING else 6,
    derandomize=not FUZZING,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_documented(case, live, clock):
    app, token = live
    headers = {"Authorization": f"Bearer {token}"}
    if case.path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect"):
        headers = {}
        clock.advance(timedelta(minutes=1))  # those who fail often are told to wait
    case.call_and_validate(app=app, headers=headers)
