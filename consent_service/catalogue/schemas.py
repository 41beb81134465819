"""Shapes of the catalogue: the document and what is answered about it. For the OpenAPI
document and the tests; the document itself is checked by `document.py`, with line numbers."""

from enum import StrEnum

from marshmallow import Schema, fields, validate

from consent_service.catalogue.deadlines import WorkingDays
from consent_service.catalogue.log_retention import KINDS as LOG_KINDS
from consent_service.catalogue.log_retention import SHORTEST
from consent_service.catalogue.model import (
    REQUEST_KINDS,
    Change,
    Channel,
    Confirmation,
    LegalBasis,
    Party,
    RecipientRole,
    Regime,
    RestrictionGround,
)
from consent_service.catalogue.shape import LONGEST_GRACE
from consent_service.catalogue.versions import DifferenceKind
from consent_service.web.contracts import KEY, LANGUAGE, Contract, Instant


def _said(text: str) -> dict[str, str]:
    return {"description": text}


_KEPT = _said("Days that entries of the kind are kept; their leaves stay for good")


def _one_of(
    choices: type[StrEnum], said: str | None = None, *, required: bool = True, null: bool = False
) -> fields.String:
    names = [choice.value for choice in choices]
    return fields.String(
        required=required,
        allow_none=null,
        validate=validate.OneOf([*names, None] if null else names),
        metadata=_said(said) if said else {},
    )


def _key() -> fields.String:
    return fields.String(required=True, validate=KEY)


def _texts() -> fields.Dict:
    return fields.Dict(keys=fields.String(validate=LANGUAGE), values=fields.String(), required=True)


def _keys() -> fields.List[str]:
    return fields.List(fields.String(validate=KEY), required=True)


class Controller(Schema):
    """Who answers for the data."""

    name = fields.String(required=True)
    contact = fields.String(required=True)
    privacy_officer = fields.String(required=True)
    logo = fields.String(required=True, allow_none=True)
    accent_colour = fields.String(required=True, metadata=_said("#rrggbb"))


RequestDays = Schema.from_dict(
    {kind: fields.Integer() for kind in REQUEST_KINDS}, name="RequestDays"
)
RequestMonths = Schema.from_dict(
    {kind: fields.Integer() for kind in REQUEST_KINDS}, name="RequestMonths"
)


class Jurisdiction(Schema):
    """What a law accepts and how long it gives. Each kind of request stands in `request_days` or
    in `request_months`, and the extension in days or in months. Days are calendar days unless
    `working_days` names them; months are calendar months."""

    accepted_bases = fields.List(_one_of(LegalBasis), required=True)
    request_days = fields.Nested(RequestDays)
    request_months = fields.Nested(RequestMonths)
    extension_days = fields.Integer()
    extension_months = fields.Integer()
    source = fields.String(required=True)
    working_days = fields.List(
        _one_of(WorkingDays),
        metadata=_said("Which of the days above are working days, Monday to Friday"),
    )


class DataCategory(Schema):
    """A kind of data."""

    key = _key()
    text = _texts()
    sensitive = fields.Boolean(required=True)
    profile_fields = fields.List(
        fields.String(),
        metadata=_said("Fields of profiles that hold it, let go when nothing needs it"),
    )


class DataSource(Schema):
    """Where data came from."""

    key = _key()
    party = _one_of(Party)
    text = _texts()


class Recipient(Schema):
    """Who receives data."""

    key = _key()
    role = _one_of(RecipientRole)
    country = fields.String(required=True, metadata=_said("ISO 3166"))
    text = _texts()


class Touchpoint(Schema):
    """Where a choice is made."""

    key = _key()
    kind = _key()
    text = _texts()
    origins = fields.List(
        fields.String(),
        metadata=_said("Sites that may show the preference widget: https://host[:port]"),
    )


class NoticeVersion(Schema):
    """Exactly what was shown, by language."""

    key = _key()
    version = fields.String(required=True)
    change = _one_of(Change, "material: a yes to an older version holds no longer; minor: it does")
    in_use_from = Instant(required=True)
    text = _texts()


class NoticeReply(NoticeVersion):
    """A notice version with the SHA-256, in hex, of each text in UTF-8."""

    sha256 = _texts()


class RegimeRule(Schema):
    """A regime for a channel, a jurisdiction or both."""

    channel = _one_of(Channel, required=False)
    jurisdiction = fields.String()
    regime = _one_of(Regime)


class RegimeRules(Schema):
    """The regime, and where it is another. The most exact rule wins."""

    default = _one_of(Regime)
    by = fields.List(fields.Nested(RegimeRule), required=True)


class PurposeText(Schema):
    """A purpose in one language."""

    title = fields.String(required=True)
    description = fields.String(required=True)
    benefit = fields.String(required=True)


class Purpose(Schema):
    """Why data is used, and the rules that go with it."""

    key = _key()
    text = fields.Dict(keys=fields.String(), values=fields.Nested(PurposeText), required=True)
    legal_basis = _one_of(LegalBasis)
    notice = _key()
    channels = fields.List(_one_of(Channel), required=True)
    data_categories = _keys()
    data_sources = _keys()
    recipients = _keys()
    regime = fields.Nested(RegimeRules, required=True)
    direct_marketing = fields.Boolean(
        required=True, metadata=_said("Complaints, opt-outs and erasures stand against it")
    )
    sale_or_targeted_advertising = fields.Boolean(
        required=True, metadata=_said("Global Privacy Control is a no to it")
    )
    explicit = fields.Boolean(
        required=True, metadata=_said("Silence is never a yes; and asked by itself")
    )
    separate = fields.Boolean(
        required=True, metadata=_said("Asked by itself, and no acceptance of all bears on it")
    )
    minimum_age = fields.Integer(
        required=True,
        allow_none=True,
        metadata=_said("Years; for who is younger a guardian has to answer"),
    )
    confirmation = _one_of(Confirmation, "double: a yes counts once a mailed link was used")
    restriction_ground = _one_of(
        RestrictionGround,
        "Why it goes on while processing is restricted; null: it does not",
        null=True,
    )
    validity_days = fields.Integer(
        required=True, allow_none=True, metadata=_said("Days that a yes holds; null: no end")
    )
    retention_days = fields.Integer(
        required=True, metadata=_said("Days that data held for a consent stays after it ended")
    )
    proof_retention_days = fields.Integer(
        required=True, metadata=_said("Days that what proves an answer is kept after it ended")
    )
    answer_lifetime_s = fields.Integer(
        required=True, metadata=_said("Seconds that the answer to a check may be used")
    )


class PurposesReply(Schema):
    """Every purpose, in the order of the document."""

    items = fields.List(fields.Nested(Purpose), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


LogRetentionDays = Schema.from_dict(
    {
        kind.value: fields.Integer(validate=validate.Range(min=SHORTEST), metadata=_KEPT)
        for kind in LOG_KINDS
    },
    name="LogRetentionDays",
)


class CatalogueDocument(Schema):
    """The catalogue. The first language is the default."""

    languages = fields.List(fields.String(validate=LANGUAGE), required=True)
    controller = fields.Nested(Controller, required=True)
    jurisdictions = fields.Dict(
        keys=fields.String(), values=fields.Nested(Jurisdiction), required=True
    )
    data_categories = fields.List(fields.Nested(DataCategory), required=True)
    data_sources = fields.List(fields.Nested(DataSource), required=True)
    recipients = fields.List(fields.Nested(Recipient), required=True)
    touchpoints = fields.List(fields.Nested(Touchpoint), required=True)
    notices = fields.List(fields.Nested(NoticeVersion), required=True)
    purposes = fields.List(fields.Nested(Purpose), required=True)
    log_retention_days = fields.Nested(LogRetentionDays)
    erasure_grace_days = fields.Integer(
        validate=validate.Range(0, LONGEST_GRACE),
        metadata=_said("Days that an approved erasure can still be cancelled; 0 if left out"),
    )


class CatalogueReply(Schema):
    """The catalogue in force."""

    version = fields.Integer(required=True)
    recorded_from = Instant(required=True)
    document = fields.Nested(CatalogueDocument, required=True)


class LoadQuery(Contract):
    """How to load."""

    dry_run = fields.Boolean(load_default=False, metadata=_said("Only say what loading would do"))


class DifferenceReply(Schema):
    """A place that differs from the catalogue before."""

    pointer = fields.String(
        required=True,
        metadata=_said("JSON Pointer into the new document; of what is removed, the old"),
    )
    change = _one_of(DifferenceKind)


class LoadReply(Schema):
    """What loading did, or would do."""

    version = fields.Integer(required=True)
    changed = fields.Boolean(required=True)
    difference = fields.List(fields.Nested(DifferenceReply), required=True)
    customers_to_ask_again = fields.Integer(required=True)
