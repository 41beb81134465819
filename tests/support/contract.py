"""Holds every reply against the API's document, and speaks to the API as a client would.

The document is made from the code; `tests/structure/test_openapi.py` ties `openapi.yaml` to it.
"""

import copy
import re

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_BASE = "urn:openapi"
_METHODS = ("get", "put", "post", "delete", "patch")

_PARAMETER = re.compile(r"\\\{(\w+)\\\}")


def _value(parameter):
    """What a path parameter may be; a tile's address has slashes."""
    return ".+" if parameter[1] == "address" else "[^/]+"


class Contract:
    def __init__(self, document):
        self.document = _closed(document)
        resource = Resource(self.document, DRAFT202012)
        self._registry = Registry().with_resource(_BASE, resource)
        self._paths = [
            (re.compile(_PARAMETER.sub(_value, re.escape(path))), path)
            for path in sorted(document["paths"], key=lambda path: path.count("{"))
        ]
        self._validators = {}

    def check(self, response):
        """Fails unless the document knows this answer: status, media type, shape."""
        request = response.request
        asked = f"{request.method} {request.path} answered {response.status_code}"
        assert response.headers.get("X-Request-Id"), f"{asked} without X-Request-Id"
        pointer, responses = self._responses(request)
        if responses is None:
            assert response.status_code in (404, 405), f"{asked}: no such operation in the document"
            self._check_body(response, asked, "application/problem+json", _PROBLEM)
            return
        documented = responses.get(str(response.status_code))
        assert documented is not None, (
            f"{asked}, and the document knows {sorted(responses)}: add @api.reply or @api.problem"
            f"\n{_shown(response)}"
        )
        content = documented.get("content", {})
        if not content:
            assert not response.data, f"{asked} with a body, and the document knows of none"
            return
        assert response.mimetype in content, (
            f"{asked} as {response.mimetype!r}, and the document knows {sorted(content)}"
        )
        steps = (str(response.status_code), "content", response.mimetype, "schema")
        if "schema" in content[response.mimetype]:
            self._check_body(response, asked, response.mimetype, _joined(pointer, *steps))

    def _responses(self, request):
        for pattern, path in self._paths:
            operation = self.document["paths"][path].get(request.method.lower())
            if operation is not None and pattern.fullmatch(request.path):
                steps = ("paths", path, request.method.lower(), "responses")
                return _joined("#", *steps), operation["responses"]
        return None, None

    def _check_body(self, response, asked, media_type, pointer):
        assert response.mimetype == media_type, f"{asked} as {response.mimetype}"
        if not (media_type == "application/json" or media_type.endswith("+json")):
            return
        validator = self._validators.get(pointer)
        if validator is None:
            validator = Draft202012Validator(
                {"$ref": _BASE + pointer}, registry=self._registry, format_checker=FormatChecker()
            )
            self._validators[pointer] = validator
        faults = [
            f"{error.json_path}: {error.message}" for error in validator.iter_errors(response.json)
        ]
        assert not faults, f"{asked} with a body that is not as documented:\n" + "\n".join(faults)


class Api:
    """A client with a token; every reply is held against the document."""

    def __init__(self, client, contract, token):
        self._client = client
        self._contract = contract
        self._token = token

    def get(self, path, **more):
        return self.send("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.send("POST", path, body, **more)

    def put(self, path, body=None, **more):
        return self.send("PUT", path, body, **more)

    def patch(self, path, body=None, **more):
        return self.send("PATCH", path, body, **more)

    def delete(self, path, **more):
        return self.send("DELETE", path, **more)

    def send(self, method, path, body=None, *, headers=None, **more):
        """`body` goes as JSON; `more` is what the test client of werkzeug takes."""
        headers = dict(headers or {})
        if self._token is not None:
            headers.setdefault("Authorization", f"Bearer {self._token}")
        if body is not None:
            more["json"] = body
        response = self._client.open(path, method=method, headers=headers, **more)
        self._contract.check(response)
        return response


_PROBLEM = "#/components/schemas/Problem"


def _joined(pointer, *steps):
    """A JSON Pointer as a URI fragment, some steps longer."""
    for step in steps:
        pointer += "/" + step.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace(
            "}", "%7D"
        )
    return pointer


def _closed(document):
    """The document with every named shape complete: a field it does not name is a fault."""
    closed = copy.deepcopy(document)
    for shape in closed["components"]["schemas"].values():
        if "properties" in shape:
            shape.setdefault("additionalProperties", False)
    return closed


def _shown(response):
    return response.get_data(as_text=True)[:2_000]
