"""Consent tokens: opaque marks of a customer's revision, for `at_least_as_fresh`."""

from collections.abc import Sequence
from uuid import UUID

from consent_service.kernel.errors import Invalid, NotFound
from consent_service.kernel.ids import CustomerId, decode, encode, encode_all


def make_token(customer_id: CustomerId, revision: int) -> str:
    """`ctk_…`."""
    return encode("ctk", customer_id, UUID(int=revision))


def make_tokens(customer_ids: Sequence[CustomerId], revisions: Sequence[int]) -> list[str]:
    """As `make_token`, of many."""
    each = {revision: UUID(int=revision) for revision in set(revisions)}
    return encode_all("ctk", customer_ids, [each[revision] for revision in revisions])


def read_token(token: str, pointer: str = "") -> tuple[CustomerId, int]:
    """The customer and revision of a token. `pointer` leads in the body to what has it.
    Raises: Invalid."""
    try:
        customer, revision = decode("ctk", token, 2)
    except NotFound:
        raise Invalid.at(
            pointer + "/at_least_as_fresh", "invalid_consent_token", "Not a consent token."
        ) from None
    return CustomerId(customer), revision.int
