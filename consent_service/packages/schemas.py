"""Shapes of what recipients give to a package."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields

from consent_service.web.contracts import Contract, Instant, text


class Base64Field(fields.String):
    """Bytes, in base64."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        given = super()._deserialize(value, attr, data, **kwargs)
        try:
            return base64.b64decode(str(given), validate=True)
        except (binascii.Error, ValueError):
            raise ValidationError("Not base64.") from None


class PartBody(Contract):
    """A file, of what the recipient holds. The end of the name says what it is."""

    name = fields.String(required=True, validate=text(64))
    content = Base64Field(required=True, metadata={"description": "Base64; up to 10 MiB of it"})


class PartReply(Schema):
    """That it was taken. Nothing of it is repeated."""

    recipient = fields.String(required=True)
    content_type = fields.String(required=True)
    size = fields.Integer(required=True)
    given_at = Instant(required=True)
