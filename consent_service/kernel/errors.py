"""What can go wrong in the domain's own words: a stable code, never an HTTP status.

`web/problems.py` alone turns these into replies. A `detail` is fixed text: it never repeats
what the caller sent.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One faulty place: `pointer` is a JSON Pointer (RFC 6901) into the body."""

    pointer: str
    code: str
    detail: str


class DomainError(Exception):
    """Base of all: `code` for programs, `detail` for people, `errors` for fields."""

    code: ClassVar[str] = "error"
    detail: ClassVar[str] = "The request could not be carried out."

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: tuple[FieldError, ...] = (),
        extra: dict[str, str] | None = None,
    ) -> None:
        self.text = detail or self.detail
        self.errors = errors
        self.extra = extra or {}
        super().__init__(self.text)


class Malformed(DomainError):
    """It cannot be read at all."""

    code = "malformed"
    detail = "The request is not well formed."


class Invalid(DomainError):
    """The request is well formed and cannot be meant."""

    code = "invalid"
    detail = "The request has fields that cannot be accepted."

    @classmethod
    def at(cls, pointer: str, code: str, detail: str) -> "Invalid":
        """One field error, which is also the problem's detail."""
        return cls(errors=(FieldError(pointer, code, detail),))


class NotFound(DomainError):
    """The same whether it never existed, was erased, or belongs to somebody else."""

    code = "not_found"
    detail = "There is nothing here under that id."


class Conflict(DomainError):
    """The state of things does not allow it."""

    code = "conflict"
    detail = "The present state does not allow this."


class Gone(DomainError):
    """It was here, and is not any more."""

    code = "gone"
    detail = "This was here, and is not any more."


class PreconditionFailed(DomainError):
    """The caller's picture of the resource is out of date."""

    code = "precondition_failed"
    detail = "The resource has changed since you read it."


class PreconditionRequired(DomainError):
    """A change that needs a picture of the resource came without one."""

    code = "precondition_required"
    detail = "Send If-Match with the revision you read."


class Forbidden(DomainError):
    """Known, and not allowed."""

    code = "forbidden"
    detail = "This credential does not allow that."


class TooMany(DomainError):
    """A budget is used up. `retry_after` is in whole seconds, at least one."""

    code = "too_many_requests"
    detail = "Slow down; see Retry-After."

    def __init__(self, retry_after: int = 1) -> None:
        self.retry_after = max(1, retry_after)
        super().__init__()


class Unavailable(DomainError):
    """It cannot be done now and may be tried again; for a check this counts as deny."""

    code = "unavailable"
    detail = "The service cannot answer now. Treat it as a deny and try again."


class MisconfiguredError(Exception):
    """The service cannot start or go on as it is set up; the text says what to set."""
