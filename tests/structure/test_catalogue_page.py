"""docs/catalogue.md: its example loads, and it names every field there is."""

import re
from datetime import UTC, datetime
from pathlib import Path

from marshmallow import Schema, fields

from consent_service.catalogue.document import build, parse
from consent_service.catalogue.schemas import CatalogueDocument

PAGE = (Path(__file__).parents[2] / "docs/catalogue.md").read_text(encoding="utf-8")


def names(schema: Schema) -> set[str]:
    """The fields of a schema and of those within it."""
    inner = [field.schema for field in map(within, schema.fields.values()) if field is not None]
    return set(schema.fields).union(*map(names, inner))


def within(field: fields.Field | None) -> fields.Nested | None:
    """What a field nests, in lists and mappings too."""
    if isinstance(field, fields.List):
        return within(field.inner)
    if isinstance(field, fields.Dict):
        return within(field.value_field)
    return field if isinstance(field, fields.Nested) else None


def test_the_example_loads():
    example = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]
    catalogue = build(parse(example).document, 1, datetime(2026, 11, 1, tzinfo=UTC))
    assert list(catalogue.purposes) == ["marketing.newsletter"]


def test_every_field_is_named():
    assert {name for name in names(CatalogueDocument()) if f"`{name}`" not in PAGE} == set()
