"""Bases and fields of every schema: strict, snake_case, RFC 3339 UTC."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from consent_service.kernel import paging
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import customer_id_text, parse_customer_id
from consent_service.web import ownership

KEY_PATTERN = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"
LANGUAGE_PATTERN = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"


class Pattern(validate.Regexp):
    """The whole text matches; a `$` alone lets a line end through."""

    def __call__(self, value: Any) -> Any:
        """Raises: ValidationError."""
        if self.regex.fullmatch(value) is None:
            raise ValidationError(self._format_error(value))
        return value


KEY = validate.And(validate.Length(1, 64), Pattern(KEY_PATTERN))
LANGUAGE = validate.And(validate.Length(2, 35), Pattern(LANGUAGE_PATTERN))
JURISDICTION = Pattern(r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")


class Contract(Schema):
    """Base: what is not declared is refused."""

    class Meta:
        unknown = RAISE


class OrOne(Contract):
    """Many things, under the name of its field, or one by itself: a body of `one`."""

    one: ClassVar[type[Schema]]

    def load(self, data: Any, **kwargs: Any) -> Any:
        """What either schema makes of it. Raises: ValidationError."""
        if isinstance(data, dict) and self.fields.keys() & data.keys():
            return super().load(data, **kwargs)
        return self.one().load(data, **kwargs)


class Instant(fields.AwareDateTime):
    """An RFC 3339 time with an offset, kept in UTC."""

    default_error_messages = {  # noqa: RUF012  # marshmallow's own type
        "invalid": "Not a valid RFC 3339 time.",
        "invalid_awareness": "A time has an offset from UTC, such as +02:00, or Z for none.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        if not isinstance(value, str) or "T" not in value.upper():
            raise self.make_error("invalid")
        instant = super()._deserialize(value, attr, data, **kwargs)
        assert isinstance(instant, datetime)
        try:
            utc = instant.astimezone(UTC)
        except OverflowError:
            raise self.make_error("invalid") from None
        if not 1900 <= utc.year <= 9000:
            raise ValidationError("A time between the years 1900 and 9000.")
        return utc

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else rfc3339(value)


class Entries(fields.Dict):
    """A mapping. A fault in an entry is at that entry, as it stands in the body."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        try:
            return super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]  # marshmallow has no types here
        except ValidationError as error:
            if not isinstance(error.messages, dict):
                raise
            raise ValidationError(
                {
                    name: [text for texts in found.values() for text in texts]
                    for name, found in error.messages.items()
                }
            ) from None


class CustomerIdField(fields.String):
    """`cus_…`. One that could not be ours is told apart from an unknown one by nobody. With a
    customer's token, anybody else is not found."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            customer = parse_customer_id(str(text))
        except NotFound:
            raise ValidationError("Not a customer id.") from None
        ownership.reach(customer)
        return customer

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else customer_id_text(value)


def text(maximum: int, minimum: int = 1) -> validate.Length:
    """Bounds of a text field."""
    return validate.Length(minimum, maximum)


class PageQuery(Contract):
    """How lists are asked for."""

    cursor = fields.String(validate=text(2_000))
    limit = fields.Integer(
        load_default=paging.DEFAULT_PAGE, validate=validate.Range(1, paging.MAX_PAGE)
    )


class FieldErrorReply(Schema):
    """One faulty place."""

    pointer = fields.String(required=True, metadata={"description": "JSON Pointer into the body"})
    code = fields.String(required=True)
    detail = fields.String(required=True)


class Problem(Schema):
    """RFC 9457 problem details."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    code = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(FieldErrorReply), required=True)
    customer_id = fields.String(metadata={"description": "With identifier_known: who has it"})
