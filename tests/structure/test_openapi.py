import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import jsonschema
import openapi_spec_validator
import yaml

import consent_service
from consent_service import openapi
from consent_service.oauth.model import Scope

WRITTEN = Path(__file__).parents[2] / "openapi.yaml"


def test_the_written_document_is_that_of_the_code():
    made = openapi.document_text()
    assert WRITTEN.read_bytes() == made.encode(), "run `make openapi` and look at the difference"


def test_it_is_the_same_whatever_else_is_imported():
    """It lists every error that there is a class of."""
    alone = "from consent_service import openapi; print(openapi.document_text(), end='')"
    said = subprocess.run([sys.executable, "-c", alone], check=True, capture_output=True).stdout
    assert said == WRITTEN.read_bytes()
    for module in walk_packages(consent_service.__path__, "consent_service."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    assert openapi.document_text().encode() == said


def test_the_text_says_what_the_document_says():
    assert yaml.safe_load(openapi.document_text()) == openapi.document()


def test_the_document_is_valid():
    openapi_spec_validator.validate(openapi.document())


def test_every_scope_is_described():
    flow = openapi.document()["components"]["securitySchemes"]["oauth2"]["flows"]
    assert set(flow["clientCredentials"]["scopes"]) == set(Scope)


def test_no_setting_of_the_environment_shows(monkeypatch):
    before = openapi.document_text()
    monkeypatch.setenv("CONSENT_DATABASE_URL", "postgresql://nobody@192.0.2.1/none")
    monkeypatch.setenv("CONSENT_BASE_URL", "https://consent.example.org")
    monkeypatch.setenv("CONSENT_KEY_FILE", "/no/such/file")
    assert openapi.document_text() == before


def test_a_body_is_one_or_many_and_never_both():
    document = openapi.document()
    event = {
        "customer_id": "cus_1",
        "purpose": "news",
        "event": "given",
        "touchpoint": "web",
        "captured_at": "2026-01-01T00:00:00Z",
    }
    bodies = {
        "EventsBody": (event, {"events": [event]}, {**event, "events": [event]}, {}),
        "MailingsBody": ({"purpose": "news"}, {"mailings": [{"purpose": "news"}]}, {}),
    }
    for name, sent in bodies.items():
        shape = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        taken = [jsonschema.Draft202012Validator(shape).is_valid(body) for body in sent]
        assert taken == [True, True, *[False] * (len(sent) - 2)], name


def test_answers_may_grow_and_bodies_may_not():
    document = openapi.document()
    schemas = document["components"]["schemas"]
    assert "additionalProperties" not in schemas["DecisionReply"]
    assert "additionalProperties" not in schemas["IdentifierReply"]
    assert schemas["EventBody"]["additionalProperties"] is False
    assert schemas["FinderBody"]["additionalProperties"] is False
