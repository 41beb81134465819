"""A document and the one before it: what differs, and what may not."""

from collections.abc import Mapping
from typing import Any

from consent_service.catalogue.faults import Faults
from consent_service.catalogue.model import Catalogue, NoticeVersion
from consent_service.catalogue.positions import Source
from consent_service.catalogue.versions import Difference, DifferenceKind

Identity = tuple[str, str | None]


def check_history(old: Catalogue, new: Catalogue, source: Source) -> None:
    """Notices are what people were shown: a recorded version stays, word for word. A language
    may be added to it.

    Raises: Invalid, by line of `source`, which `new` was built from.
    """
    faults = Faults(source.lines)
    for at, entry in enumerate(source.document["notices"]):
        notice = new.find_notice(entry["key"], entry["version"])
        recorded = _recorded(old, entry["key"], entry["version"])
        assert notice is not None
        if recorded is not None:
            _check_unchanged(recorded, notice, f"/notices/{at}", faults)
    for versions in old.notices.values():
        for recorded in versions:
            if _recorded(new, recorded.key, recorded.version) is None:
                faults.add(
                    "/notices",
                    "notice_removed",
                    f"notices: {recorded.key} {recorded.version} was recorded and must stay",
                )
    faults.raise_any()


def differences(old: Any, new: Any, pointer: str = "") -> tuple[Difference, ...]:
    """Where two documents differ. Entries of lists are told apart by their keys, so that one
    put in between others changes none of them."""
    if old == new:
        return ()
    if isinstance(old, dict) and isinstance(new, dict):
        return _of_parts(old, new, {n: n for n in old}, {n: n for n in new}, pointer)
    before, after = _identities(old), _identities(new)
    if before is None or after is None:
        return (Difference(pointer, DifferenceKind.CHANGED),)
    found = _of_parts(old, new, before, after, pointer)
    if [i for i in before if i in after] != [i for i in after if i in before]:
        return (Difference(pointer, DifferenceKind.CHANGED), *found)
    return found


def _of_parts(
    old: Any, new: Any, before: Mapping[Any, Any], after: Mapping[Any, Any], pointer: str
) -> tuple[Difference, ...]:
    found = [
        Difference(f"{pointer}/{step}", DifferenceKind.REMOVED)
        for part, step in before.items()
        if part not in after
    ]
    for part, step in after.items():
        inner = f"{pointer}/{step}"
        if part in before:
            found += differences(old[before[part]], new[step], inner)
        else:
            found.append(Difference(inner, DifferenceKind.ADDED))
    return tuple(found)


def _identities(entries: Any) -> dict[Identity, int] | None:
    """Which entry stands where; None when it is not a list of entries with keys."""
    if not isinstance(entries, list):
        return None
    if not all(isinstance(entry, dict) and "key" in entry for entry in entries):
        return None
    return {(entry["key"], entry.get("version")): at for at, entry in enumerate(entries)}


def _recorded(catalogue: Catalogue, key: str, version: str) -> NoticeVersion | None:
    return catalogue.find_notice(key, version) if key in catalogue.notices else None


def _check_unchanged(
    recorded: NoticeVersion, notice: NoticeVersion, pointer: str, faults: Faults
) -> None:
    changed = [
        f"/text/{language}"
        for language, text in recorded.text.items()
        if notice.text.get(language) != text
    ]
    if notice.change is not recorded.change:
        changed.append("/change")
    if notice.in_use_from != recorded.in_use_from:
        changed.append("/in_use_from")
    for inner in changed:
        faults.add(
            pointer + inner,
            "notice_changed",
            f"{inner[1:].replace('/', ' ')}: {recorded.key} {recorded.version} was recorded "
            "and must stay as it is; add a new version",
        )
