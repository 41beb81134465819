"""The API's document for `openapi.yaml`. Nothing is connected to."""

from datetime import UTC, datetime
from typing import Any

from flask import Flask
from pydantic import SecretStr

from consent_service.api_document import document_of, text_of
from consent_service.app import create_app
from consent_service.config import Settings
from consent_service.crypto import keyring


def document_text() -> str:
    """The OpenAPI 3.1 document as YAML, the same text at every call."""
    return text_of(unconnected_app())


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document as plain JSON values."""
    return document_of(unconnected_app())


def unconnected_app() -> Flask:
    """The whole app with keys of its own and a store in memory that nothing opens. Settings of
    the environment play no part."""
    ring = keyring.dump(keyring.generate(datetime.now(UTC)))
    return create_app(
        Settings.model_construct(database_url=SecretStr("sqlite://"), keyring=SecretStr(ring))
    )
