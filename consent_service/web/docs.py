"""The API's documentation at `/docs`: Swagger UI, vendored, under a strict policy."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app

from consent_service.kernel.errors import NotFound

pages = Blueprint("docs", __name__)

_DOCUMENT = "consent.openapi_document"
_STATIC = Path(__file__).parent / "static"
_VENDOR = _STATIC / "vendor" / "swagger-ui-5.35.0"
_FILES = {
    "swagger-ui.css": (_VENDOR, "text/css"),
    "swagger-ui-bundle.js": (_VENDOR, "text/javascript"),
    "docs.css": (_STATIC, "text/css"),
    "docs.js": (_STATIC, "text/javascript"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def init_app(app: Flask, document: Callable[[], str]) -> None:
    """Serves the documentation of what `document` returns, OpenAPI as YAML text."""
    app.extensions[_DOCUMENT] = lru_cache(maxsize=1)(document)
    app.register_blueprint(pages)


@pages.get("/docs")
def show_docs() -> Response:
    """The page."""
    response = Response((_STATIC / "docs.html").read_bytes(), mimetype="text/html")
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@pages.get("/docs/openapi.yaml")
def show_document() -> Response:
    """The document of this very release."""
    return Response(current_app.extensions[_DOCUMENT](), mimetype="application/yaml")


@pages.get("/docs/<name>")
def show_asset(name: str) -> Response:
    """A script or style of the page."""
    if name not in _FILES:
        raise NotFound()
    folder, kind = _FILES[name]
    response = Response((folder / name).read_bytes(), mimetype=kind)
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
