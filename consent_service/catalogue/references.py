"""What must hold between the parts of a document: references resolve, keys are unique, notice
versions follow one another. Passes over whatever its shape's check has found fault with."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from consent_service.catalogue.checks import Place, find_instant
from consent_service.catalogue.model import REQUEST_KINDS

_SECTIONS = (
    "data_categories",
    "data_sources",
    "recipients",
    "touchpoints",
    "purposes",
)
_LISTED = ("data_categories", "data_sources", "recipients")


def check_references(document: Mapping[str, Any], root: Place) -> None:
    """Notes every fault between the parts."""
    for section in _SECTIONS:
        _check_unique(document, section, root)
    _check_terms(document, root)
    _check_origins(document, root)
    _check_notices(document, root)
    known = {name: _keys(document, name) for name in (*_LISTED, "notices")}
    codes = document.get("jurisdictions")
    for place, purpose in _entries(document, "purposes", root):
        _resolve(purpose.get("notice"), known["notices"], place / "notice")
        for name in _LISTED:
            for at, key in _texts(purpose.get(name)):
                _resolve(key, known[name], place / name / at)
        rules = purpose.get("regime")
        if isinstance(rules, dict):
            within = place / "regime"
            _check_rules(rules, purpose, codes if isinstance(codes, dict) else None, within)
    _check_log_retention(document, root)


def _check_unique(document: Mapping[str, Any], section: str, root: Place) -> None:
    seen: set[str] = set()
    for place, entry in _entries(document, section, root):
        key = entry.get("key")
        if not isinstance(key, str):
            continue
        if key in seen:
            (place / "key").fault("repeated", f"stands twice in {section}")
        seen.add(key)


def _check_terms(document: Mapping[str, Any], root: Place) -> None:
    """Each kind of request, and the extension, is in days or in months."""
    declared = _mapping(document, "jurisdictions")
    for code in declared:
        entry, place = _mapping(declared, code), root / "jurisdictions" / code
        days, months = _mapping(entry, "request_days"), _mapping(entry, "request_months")
        for kind in REQUEST_KINDS:
            _check_one_of(
                kind, days, kind, months, place / "request_days", place / "request_months"
            )
        _check_one_of("extension_days", entry, "extension_months", entry, place, place)
        in_months = {*months, *(["extension"] if "extension_months" in entry else [])}
        for at, name in _texts(entry.get("working_days")):
            if name in in_months:
                (place / "working_days" / at).fault("in_months", "is counted in months")


def _check_one_of(
    name: str,
    within: Mapping[str, Any],
    other: str,
    beside: Mapping[str, Any],
    place: Place,
    other_place: Place,
) -> None:
    if name not in within and other not in beside:
        (place / name).fault("required", "is missing, in days or in months")
    elif name in within and other in beside:
        (other_place / other).fault("repeated", "stands in days and in months")


def _check_origins(document: Mapping[str, Any], root: Place) -> None:
    seen: set[str] = set()
    for place, entry in _entries(document, "touchpoints", root):
        own = list(_texts(entry.get("origins")))
        for at, origin in own:
            if origin in seen:
                (place / "origins" / at).fault("repeated", "belongs to another touchpoint")
        seen |= {origin for _, origin in own}


def _check_notices(document: Mapping[str, Any], root: Place) -> None:
    versions: set[tuple[str, str]] = set()
    newest: dict[str, datetime] = {}
    for place, notice in _entries(document, "notices", root):
        key, version = notice.get("key"), notice.get("version")
        if not isinstance(key, str):
            continue
        if isinstance(version, str):
            if (key, version) in versions:
                (place / "version").fault("repeated", "stands twice for this notice")
            versions.add((key, version))
        since = find_instant(notice.get("in_use_from"))
        if since is None:
            continue
        if key in newest and since <= newest[key]:
            (place / "in_use_from").fault(
                "not_increasing", "must be after that of the version before it"
            )
        newest[key] = since


def _check_rules(
    regime: Mapping[str, Any],
    purpose: Mapping[str, Any],
    codes: Mapping[str, Any] | None,
    within: Place,
) -> None:
    channels = {channel for _, channel in _texts(purpose.get("channels"))}
    seen: set[tuple[str | None, str | None]] = set()
    for place, rule in _entries(regime, "by", within):
        channel, jurisdiction = _text(rule, "channel"), _text(rule, "jurisdiction")
        if "channel" not in rule and "jurisdiction" not in rule:
            place.fault("required", "needs a channel, a jurisdiction or both")
        elif (channel, jurisdiction) in seen:
            place.fault("repeated", "the same channel and jurisdiction stand twice")
        seen.add((channel, jurisdiction))
        _resolve(channel, channels, place / "channel", "is not a channel of this purpose")
        _resolve(jurisdiction, codes, place / "jurisdiction")


def _check_log_retention(document: Mapping[str, Any], root: Place) -> None:
    said = document.get("log_retention_days")
    days = said.get("consent") if isinstance(said, dict) else None
    proofs = [p.get("proof_retention_days") for _, p in _entries(document, "purposes", root)]
    longest = max((proof for proof in proofs if isinstance(proof, int)), default=0)
    if isinstance(days, int) and days < longest:
        place = root / "log_retention_days" / "consent"
        place.fault("shorter_than_proof", "a purpose keeps its proof_retention_days longer")


def _resolve(
    key: Any,
    known: Mapping[str, Any] | set[str] | None,
    place: Place,
    text: str = "is not declared in this document",
) -> None:
    if isinstance(key, str) and known is not None and key not in known:
        place.fault("unknown_reference", text)


def _mapping(within: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = within.get(name)
    return value if isinstance(value, dict) else {}


def _keys(document: Mapping[str, Any], section: str) -> set[str] | None:
    entries = document.get(section)
    if not isinstance(entries, list):
        return None
    found = (_text(entry, "key") for entry in entries if isinstance(entry, dict))
    return {key for key in found if key is not None}


def _entries(
    within: Mapping[str, Any], section: str, place: Place
) -> Iterator[tuple[Place, dict[str, Any]]]:
    entries = within.get(section)
    for at, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield place / section / at, entry


def _texts(value: Any) -> Iterator[tuple[int, str]]:
    for at, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, str):
            yield at, item


def _text(entry: Mapping[str, Any], name: str) -> str | None:
    value = entry.get(name)
    return value if isinstance(value, str) else None
