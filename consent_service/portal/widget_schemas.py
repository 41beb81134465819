"""Shapes of what the preference widget sends and is answered."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from consent_service.catalogue.model import Channel
from consent_service.customers.model import IdentifierType
from consent_service.customers.normaliser import NotUsable, identifier
from consent_service.web.contracts import KEY, LANGUAGE, Contract, text


class DeviceField(fields.String):
    """A device id, made by the browser it is of."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        try:
            given = str(super()._deserialize(value, attr, data, **kwargs))
            return identifier(IdentifierType.DEVICE, given)
        except NotUsable as error:
            raise ValidationError(str(error).capitalize() + ".") from None


class LookBody(Contract):
    """What to show. `device` once there is one."""

    purpose = fields.String(required=True, validate=KEY)
    language = fields.String(required=True, validate=LANGUAGE)
    device = DeviceField()


class AnswerBody(Contract):
    """An answer; `channel` is null where the purpose has none."""

    channel = fields.String(
        required=True, allow_none=True, validate=validate.OneOf([*Channel, None])
    )
    answer = fields.String(required=True, validate=validate.OneOf(["yes", "no"]))


class ChoicesBody(Contract):
    """What somebody answered to what they were shown."""

    purpose = fields.String(required=True, validate=KEY)
    language = fields.String(required=True, validate=LANGUAGE)
    device = DeviceField(required=True)
    notice_version = fields.String(required=True, allow_none=True, validate=text(64))
    answers = fields.List(
        fields.Nested(AnswerBody), required=True, validate=validate.Length(1, len(Channel))
    )


class TieBody(Contract):
    """Whose choices are to be taken over."""

    device = DeviceField(required=True)


class WidgetUse(Schema):
    """A use, with what holds."""

    channel = fields.String(required=True, allow_none=True)
    label = fields.String(required=True)
    answer = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    asked = fields.Boolean(required=True)


class WidgetReply(Schema):
    """A purpose in a language, and every word that the widget says."""

    purpose = fields.String(required=True)
    language = fields.String(required=True)
    direction = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    benefit = fields.String(required=True)
    notice = fields.String(required=True)
    notice_language = fields.String(required=True)
    notice_version = fields.String(required=True, allow_none=True)
    uses = fields.List(fields.Nested(WidgetUse), required=True)
    gpc = fields.Boolean(required=True)
    anonymous = fields.Boolean(required=True)
    sign_in = fields.Boolean(required=True)
    reference = fields.String(required=True, allow_none=True)
    words = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class TieReply(Schema):
    """Where the person signs in to keep the choices."""

    url = fields.String(required=True)
