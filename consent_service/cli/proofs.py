"""`consent proofs`: what proves the consents of people who were erased, opened by two officers.

A terminal on the host is nobody by itself: each act asks for an officer's own password and code.
"""

import json

import click

from consent_service.accounts import limits, staff
from consent_service.accounts.model import Staff
from consent_service.cli.context import running_app
from consent_service.cli.listing import echo_lines, items_of
from consent_service.cli.options import store_options
from consent_service.kernel.errors import Invalid
from consent_service.kernel.ids import parse_customer_id
from consent_service.privacy_requests.model import parse_request_id
from consent_service.proof_openings import service
from consent_service.proof_openings.model import (
    Basis,
    Opening,
    State,
    Whose,
    opening_id_text,
    parse_opening_id,
    state_at,
)
from consent_service.proof_openings.views import found_json, opening_json
from consent_service.web.runtime import keys, now

_PAGE = 500
_NEXT = {State.WAITING: "to be approved", State.APPROVED: "to be fetched"}
_officer = click.option(
    "--officer", required=True, metavar="NAME", help="Who you are, as `consent staff` knows you."
)


@click.group()
@store_options
def command() -> None:
    """Open what proves the consents of somebody who was erased, as two privacy officers.

    One asks, another approves within 24 hours, the first fetches within 24 hours, once. Each act
    asks for password and one-time code, and is an entry of the log.
    """


@command.command()
@store_options
@_officer
@click.option("--request", metavar="REQ_ID", help="The erasure, as its certificate names it.")
@click.option("--customer", metavar="CUS_ID", help="The `pii_principal_id` of a receipt.")
@click.option("--basis", type=click.Choice([each.value for each in Basis]), required=True)
@click.option("--reason", required=True, help="Why. Sealed; it goes when the proof goes.")
def ask(officer: str, request: str | None, customer: str | None, basis: str, reason: str) -> None:
    """Ask that a proof is opened."""
    if (request is None) == (customer is None):
        raise Invalid("Name one of --request and --customer.")
    whose = Whose(
        None if request is None else parse_request_id(request),
        None if customer is None else parse_customer_id(customer),
    )
    with running_app():
        who = _recognised(officer)
        _say(service.ask_for_opening(whose, Basis(basis), reason, who, now(), keys()))


@command.command()
@store_options
@_officer
@click.argument("opening_id", metavar="APR_ID")
def approve(officer: str, opening_id: str) -> None:
    """Approve what another officer asked for."""
    with running_app():
        _say(service.approve_opening(parse_opening_id(opening_id), _recognised(officer), now()))


@command.command()
@store_options
@_officer
@click.argument("opening_id", metavar="APR_ID")
def reject(officer: str, opening_id: str) -> None:
    """Reject it, or take back what you asked for."""
    with running_app():
        _say(service.reject_opening(parse_opening_id(opening_id), _recognised(officer), now()))


@command.command()
@store_options
@_officer
@click.argument("opening_id", metavar="APR_ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def fetch(officer: str, opening_id: str, as_json: bool) -> None:
    """Print what was approved, once."""
    with running_app():
        who = _recognised(officer)
        found = service.fetch_proof(parse_opening_id(opening_id), who, now(), keys())
        told = found_json(found, now())
    click.echo(json.dumps(told, ensure_ascii=False, indent=2) if as_json else told["readable"])


@command.command("list")
@store_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def list_(as_json: bool) -> None:
    """List what was asked for, oldest first."""

    def told(each: Opening) -> str:
        return json.dumps(opening_json(each, now())) if as_json else _line(each)

    with running_app():
        echo_lines(map(told, items_of(lambda cursor: service.list_openings(cursor, _PAGE))))


@command.command()
@store_options
@click.argument("opening_id", metavar="APR_ID")
def show(opening_id: str) -> None:
    """Show how far one is, and why it was asked for, as JSON."""
    with running_app():
        opening = service.get_opening(parse_opening_id(opening_id))
        told = opening_json(opening, now(), service.find_reason(opening, keys()))
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))


def _recognised(name: str) -> Staff:
    """Raises: TooMany, NotRecognised."""
    name = name.strip().lower()
    limits.admit_staff_name(name)
    password = click.prompt(f"Password of {name}", hide_input=True, err=True)
    code = click.prompt("Code that the app shows now", err=True)
    return staff.recognise(name, password, code, now(), keys())


def _say(opening: Opening) -> None:
    state = state_at(opening, now())
    until = f", {_NEXT[state]} until {opening.expires_at:%Y-%m-%d %H:%M UTC}" * (state in _NEXT)
    click.echo(f"{opening_id_text(opening.id)} is {state}{until}.")


def _line(opening: Opening) -> str:
    by = opening.decided_by or ""
    state = state_at(opening, now())
    asked = f"{opening.asked_at:%Y-%m-%d %H:%M UTC}"
    opened = opening_id_text(opening.id)
    return f"{opened}  {state:<9} {asked}  {opening.asked_by:<16} {by}".rstrip()
