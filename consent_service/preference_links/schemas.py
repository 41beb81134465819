"""Shapes of the preference links API."""

from marshmallow import Schema, fields, validate

from consent_service.catalogue.model import Channel
from consent_service.consents.schemas import SubjectBody
from consent_service.preference_links.model import MOST
from consent_service.web.contracts import KEY, OrOne


class MailingBody(SubjectBody):
    """A mail that is about to be sent: to whom, for what. No channel: all of the purpose."""

    purpose = fields.String(required=True, validate=KEY)
    channel = fields.String(validate=validate.OneOf(list(Channel)))


class MailingsBody(OrOne):
    """One mail, or `mailings` for many."""

    one = MailingBody
    mailings = fields.List(
        fields.Nested(MailingBody), required=True, validate=validate.Length(1, MOST)
    )


class MailHeaders(Schema):
    """To be put into the mail as they are (RFC 8058), and signed by DKIM."""

    list_unsubscribe = fields.String(required=True, data_key="List-Unsubscribe")
    list_unsubscribe_post = fields.String(required=True, data_key="List-Unsubscribe-Post")


class LinksReply(Schema):
    """The links of a mail."""

    preference_url = fields.String(required=True)
    preference_expires_at = fields.DateTime(required=True)
    unsubscribe_url = fields.String(required=True)
    headers = fields.Nested(MailHeaders, required=True)


class LinksListReply(Schema):
    """The links of one mail, or `results` of many, in order."""

    preference_url = fields.String()
    preference_expires_at = fields.DateTime()
    unsubscribe_url = fields.String()
    headers = fields.Nested(MailHeaders)
    results = fields.List(fields.Nested(LinksReply))
