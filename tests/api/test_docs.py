import hashlib
import re
from pathlib import Path

import pytest
import yaml

from consent_service import openapi
from consent_service.web import docs

VENDOR = Path(docs.__file__).parent / "static/vendor"


@pytest.fixture(scope="module")
def pages():
    return openapi.unconnected_app().test_client()


def test_the_page_loads_only_what_is_served_here(pages):
    page = pages.get("/docs")
    wanted = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(wanted) == 6
    for address in wanted:
        if address != "data:,":
            assert pages.get(address).status_code == 200, address


def test_the_page_has_a_strict_policy_and_nothing_inline(pages):
    page = pages.get("/docs")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<style" not in page.text
    assert re.search(r"<script(?![^>]*src=)", page.text) is None


def test_the_document_served_is_that_of_the_release(pages):
    served = pages.get("/docs/openapi.yaml")
    assert served.mimetype == "application/yaml"
    assert yaml.safe_load(served.text) == openapi.document()


@pytest.mark.parametrize("name", ["docs.html", "..%2f__init__.py", "vendor"])
def test_nothing_else_is_served(pages, name):
    answer = pages.get(f"/docs/{name}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_vendored_files_are_as_published():
    rows = re.findall(r"\| (\S+/\S+) \| ([0-9a-f]{64}) \|", (VENDOR / "README.md").read_text())
    assert len(rows) == 2
    for name, expected in rows:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == expected
