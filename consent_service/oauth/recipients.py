"""Which recipients a client may be given: those of the catalogue, which is of a higher room."""

from collections.abc import Callable, Collection, Sequence

from consent_service.kernel.errors import FieldError, Invalid

Known = Callable[[], Collection[str] | None]
"""The recipients there are; None while no catalogue is in force."""

_known: list[Known] = []


def hand_in(known: Known) -> None:
    """Says who knows the recipients there are. For `app.py`."""
    _known[:] = [known]


def check_recipients(named: Sequence[str], had: Sequence[str] = ()) -> None:
    """Refuses a recipient that the catalogue in force has not: every check would be a deny. What a
    client had it keeps, and before the first catalogue any is taken. Raises: Invalid."""
    known = _known[0]()
    if known is None:
        return
    detail = f"Not in the catalogue. Its recipients: {', '.join(sorted(known))}."
    faults = tuple(
        FieldError(f"/recipients/{at}", "unknown_recipient", detail)
        for at, name in enumerate(named)
        if name not in known and name not in had
    )
    if faults:
        raise Invalid(errors=faults)
