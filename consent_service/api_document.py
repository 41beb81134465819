"""The document of an app's API, made from its routes: what it serves at `/docs`."""

import json
from collections.abc import Iterator
from typing import Any

import yaml
from flask import Flask

from consent_service.kernel.errors import DomainError
from consent_service.oauth.model import CUSTOMER_SCOPES, Scope
from consent_service.web import problems
from consent_service.web.contracts import OrOne

_SCOPES = {
    Scope.CATALOGUE_READ: "Read purposes, notices and the rest of the catalogue",
    Scope.CATALOGUE_WRITE: "Replace the catalogue",
    Scope.CUSTOMERS_READ: "Look customers up and read their profile",
    Scope.CUSTOMERS_WRITE: "Create, change and merge customers",
    Scope.CONSENTS_READ: "Read consents, their events and receipts",
    Scope.CONSENTS_WRITE: "Record choices, signals and preference links",
    Scope.DECISIONS_CHECK: "Ask whether data may be used: one, many, a whole audience",
    Scope.DISCLOSURES_READ: "Read and verify the disclosure log",
    Scope.DISCLOSURES_WRITE: "Report a use or sharing that happened",
    Scope.REQUESTS_READ: "Read privacy requests",
    Scope.REQUESTS_WRITE: "Submit privacy requests",
    Scope.REQUESTS_DECIDE: "Decide privacy requests, approvals and breaches",
    Scope.PACKAGES_READ: "Fetch the package of a privacy request",
    Scope.RECIPIENTS_CONFIRM: "Confirm, as a recipient, what a privacy request asks for",
    Scope.SUPPRESSIONS_READ: "Read suppressions",
    Scope.SUPPRESSIONS_WRITE: "Make and close suppressions",
    Scope.WEBHOOKS_MANAGE: "Manage webhooks and their deliveries",
    Scope.CHANGES_READ: "Follow the change feed",
    Scope.CLIENTS_MANAGE: "Manage clients, their scopes and secrets",
    Scope.REPORTS_READ: "Read reports and run simulations",
}
_REF = "#/components/schemas/"
_OTHER_CODES = {
    "not_authenticated": "401: Send a live access token as bearer.",
    "insufficient_scope": "403: The token lacks the scope.",
    "misconfigured": "503: The service is not set up right and cannot answer.",
    "internal_error": "500: Something failed here. It has been noted.",
}
_SECURITY_SCHEMES = {
    "oauth2": {
        "type": "oauth2",
        "description": "A bearer token from the token endpoint",
        "flows": {
            "clientCredentials": {
                "tokenUrl": "/oauth/token",
                "scopes": {scope.value: text for scope, text in _SCOPES.items()},
            },
            "authorizationCode": {
                "authorizationUrl": "/oauth/authorize",
                "tokenUrl": "/oauth/token",
                "refreshUrl": "/oauth/token",
                "scopes": {
                    scope.value: text for scope, text in _SCOPES.items() if scope in CUSTOMER_SCOPES
                },
            },
        },
    },
    "client": {"type": "http", "scheme": "basic", "description": "A client's id and secret"},
}


def text_of(app: Flask) -> str:
    """The document of an app as YAML text."""
    return yaml.dump(
        document_of(app), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )


def document_of(app: Flask) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an app as plain JSON values."""
    api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    made: dict[str, Any] = json.loads(json.dumps(api.document()))
    for operations in made["paths"].values():
        for operation in operations.values():
            if "responses" in operation:
                operation["responses"] = dict(sorted(operation["responses"].items()))
    schemas = dict(sorted(made["components"]["schemas"].items()))
    _tell_one_from_many(schemas)
    _open_replies(schemas, made["paths"])
    schemas["Problem"]["properties"]["code"]["description"] = _describe_codes()
    return {
        "openapi": made["openapi"],
        "info": made["info"],
        "servers": [{"url": "/"}],
        "tags": made["tags"],
        "paths": made["paths"],
        "components": {"schemas": schemas, "securitySchemes": _SECURITY_SCHEMES},
    }


def _tell_one_from_many(schemas: dict[str, Any]) -> None:
    for kind in OrOne.__subclasses__():
        one = {"$ref": _REF + kind.one.__name__}
        schemas[kind.__name__] = {"oneOf": [one, schemas[kind.__name__]]}


def _open_replies(schemas: dict[str, Any], paths: dict[str, Any]) -> None:
    """What is answered may have more fields one day; what is sent may not."""
    operations = [each for path in paths.values() for each in path.values()]
    sent = set[str]()
    found = _referred_to([each["requestBody"] for each in operations if "requestBody" in each])
    while found - sent:
        sent |= found
        found = _referred_to([schemas[name] for name in found])
    for name in schemas.keys() - sent:
        schemas[name].pop("additionalProperties", None)


def _referred_to(value: Any) -> set[str]:
    """The names of schemas that a part of the document refers to."""
    if isinstance(value, dict):
        own = {value["$ref"].removeprefix(_REF)} if "$ref" in value else set[str]()
        return own.union(*map(_referred_to, value.values()))
    return set[str]().union(*map(_referred_to, value)) if isinstance(value, list) else set()


def error_codes() -> dict[str, str]:
    """Every code a problem can have, with its status and what it means."""
    found = {code: f"{status}: {text}" for status, (code, text) in problems.HTTP_CODES.items()}
    found |= _OTHER_CODES
    for kind in _descendants(DomainError):
        found.setdefault(kind.code, f"{problems.status_of_kind(kind)}: {kind.detail}")
    return dict(sorted(found.items()))


def _descendants(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in kind.__subclasses__():
        if child.__module__.startswith("consent_service."):
            yield child
            yield from _descendants(child)


def _describe_codes() -> str:
    lines = [f"- `{code}` {meaning}" for code, meaning in error_codes().items()]
    return "A stable word for programs:\n\n" + "\n".join(lines) + "\n"


class _Dumper(yaml.SafeDumper):
    """Lists indented as people write them, texts of many lines as blocks, no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
