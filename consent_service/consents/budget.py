"""Counting choices against a client's budgets, by what they say."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from consent_service.consents.model import EventKind
from consent_service.oauth.guard import caller
from consent_service.web.throttling import ClientBudget, admit_client

View = TypeVar("View", bound=Callable[..., Any])


_NOES = frozenset(kind.value for kind in EventKind if kind.is_no)


def counted(view: View) -> View:
    """Counts a request before it is carried out. One that records nothing but noes has a budget
    of its own: whatever else a client does too often, an opt-out gets through."""

    @functools.wraps(view)
    def once(body: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        admit_client(caller().client_id, budget_of(body))
        return view(body, *args, **kwargs)

    return cast(View, once)


def budget_of(body: dict[str, Any]) -> ClientBudget:
    """What a body of the consents API is counted as. A signal is an opt-out."""
    if "signal" in body:
        return ClientBudget.WITHDRAWALS
    events = body.get("events", [body])
    only_noes = all(event["event"] in _NOES for event in events)
    return ClientBudget.WITHDRAWALS if only_noes else ClientBudget.WRITES
