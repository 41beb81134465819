"""What the catalogue document looks like: which keys there are, and what each may hold."""

from collections.abc import Sequence

from consent_service.catalogue.checks import (
    Check,
    by_language,
    colour,
    entries,
    flag,
    instant,
    keyed,
    list_of,
    matching,
    one_of,
    optional,
    picture,
    record,
    text,
    whole,
)
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
from consent_service.catalogue.patterns import (
    COUNTRY_PATTERN,
    JURISDICTION_PATTERN,
    KEY_PATTERN,
    LANGUAGE_PATTERN,
    ORIGIN_PATTERN,
    PROFILE_FIELD_PATTERN,
    VERSION_PATTERN,
)

CENTURY = 36_525  # days
MOST_MONTHS = 1_200
DAY = 86_400  # seconds
LONGEST_GRACE = 30  # days: an erasure is to be done within about that

_key = matching(KEY_PATTERN, "a key of small letters, digits, _ and dots, such as a.b_c")
_keys = list_of(_key)
_language = matching(LANGUAGE_PATTERN, "a language tag (BCP 47)", most=35)
_jurisdiction = matching(JURISDICTION_PATTERN, "an ISO 3166 code such as DE or US-CA")
_profile_field = matching(
    PROFILE_FIELD_PATTERN, "a field of small letters, digits and _, such as first_name", most=40
)
_origin = matching(ORIGIN_PATTERN, "an origin such as https://shop.example.org", most=270)

_CONTROLLER = record(
    {
        "name": text(200),
        "contact": text(500),
        "privacy_officer": text(500),
        "logo": optional(picture),
        "accent_colour": colour,
    }
)
_JURISDICTION = record(
    {
        "accepted_bases": list_of(one_of(LegalBasis), least=1),
        "source": text(2_000),
    },
    {
        "request_days": record({}, {kind: whole(1, CENTURY) for kind in REQUEST_KINDS}),
        "request_months": record({}, {kind: whole(1, MOST_MONTHS) for kind in REQUEST_KINDS}),
        "extension_days": whole(0, CENTURY),
        "extension_months": whole(0, MOST_MONTHS),
        "working_days": list_of(one_of(WorkingDays)),
    },
)
_LOG_RETENTION = record({}, {kind.value: whole(SHORTEST, CENTURY) for kind in LOG_KINDS})
_REGIME_RULE = record(
    {"regime": one_of(Regime)}, {"channel": one_of(Channel), "jurisdiction": _jurisdiction}
)
_REGIME = record({"default": one_of(Regime), "by": entries(_REGIME_RULE)})


def document_shape(languages: Sequence[str]) -> Check:
    """The check of a document whose texts are in these languages."""
    label = by_language(languages, text(500))
    notice = by_language(languages, text(20_000), others=True)
    return record(
        {
            "languages": list_of(_language, least=1),
            "controller": _CONTROLLER,
            "jurisdictions": keyed(
                JURISDICTION_PATTERN, "an ISO 3166 code such as DE or US-CA", _JURISDICTION
            ),
            "data_categories": entries(
                record(
                    {"key": _key, "text": label, "sensitive": flag},
                    {"profile_fields": list_of(_profile_field)},
                )
            ),
            "data_sources": entries(record({"key": _key, "party": one_of(Party), "text": label})),
            "recipients": entries(
                record(
                    {
                        "key": _key,
                        "role": one_of(RecipientRole),
                        "country": matching(COUNTRY_PATTERN, "an ISO 3166 country such as DE"),
                        "text": label,
                    }
                )
            ),
            "touchpoints": entries(
                record(
                    {"key": _key, "kind": _key, "text": label},
                    {"origins": list_of(_origin)},
                )
            ),
            "notices": entries(
                record(
                    {
                        "key": _key,
                        "version": matching(
                            VERSION_PATTERN, "a version of letters, digits, . _ and -", most=32
                        ),
                        "change": one_of(Change),
                        "in_use_from": instant,
                        "text": notice,
                    }
                )
            ),
            "purposes": entries(_purpose(languages)),
        },
        {"log_retention_days": _LOG_RETENTION, "erasure_grace_days": whole(0, LONGEST_GRACE)},
    )


def _purpose(languages: Sequence[str]) -> Check:
    in_words = record({"title": text(200), "description": text(2_000), "benefit": text(1_000)})
    return record(
        {
            "key": _key,
            "text": by_language(languages, in_words),
            "legal_basis": one_of(LegalBasis),
            "notice": _key,
            "channels": list_of(one_of(Channel)),
            "data_categories": _keys,
            "data_sources": _keys,
            "recipients": _keys,
            "regime": _REGIME,
            "direct_marketing": flag,
            "sale_or_targeted_advertising": flag,
            "explicit": flag,
            "separate": flag,
            "minimum_age": optional(whole(1, 120)),
            "confirmation": one_of(Confirmation),
            "restriction_ground": optional(one_of(RestrictionGround)),
            "validity_days": optional(whole(1, CENTURY)),
            "retention_days": whole(1, CENTURY),
            "proof_retention_days": whole(0, CENTURY),
            "answer_lifetime_s": whole(0, DAY),
        }
    )
