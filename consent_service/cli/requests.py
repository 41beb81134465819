"""`consent requests`: privacy requests, for staff at a terminal."""

import json

import click

from consent_service.cli.context import actor, running_app
from consent_service.cli.listing import echo_lines, items_of
from consent_service.cli.options import store_options
from consent_service.erasures import cleaning
from consent_service.erasures import service as erasures
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId, customer_id_text, parse_customer_id
from consent_service.privacy_requests import deciding, lifting, service
from consent_service.privacy_requests.jobs import site
from consent_service.privacy_requests.model import (
    BY_STAFF,
    IdentityProof,
    Request,
    RequestFilter,
    RequestKind,
    RequestState,
    Told,
    is_overdue,
    parse_request_id,
    request_id_text,
)
from consent_service.privacy_requests.views import opened_json, summary_json
from consent_service.recipients import service as recipients
from consent_service.web.runtime import keys, now

_PAGE = 500
_IDENTITY = click.Choice([each.value for each in BY_STAFF])
_reason = click.option("--reason", required=True, help="Why. Sealed; the person may read it.")
_maybe_reason = click.option("--reason", help="Why. Sealed; the person may read it.")


@click.group()
@store_options
def command() -> None:
    """List, show and decide privacy requests."""


@command.command("list")
@store_options
@click.option("--state", type=click.Choice([each.value for each in RequestState]))
@click.option("--kind", type=click.Choice([each.value for each in RequestKind]))
@click.option("--customer", metavar="CUS_ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def list_(state: str | None, kind: str | None, customer: str | None, as_json: bool) -> None:
    """List requests, oldest first."""
    with running_app():
        wanted = RequestFilter(
            None if customer is None else parse_customer_id(customer),
            None if state is None else RequestState(state),
            None if kind is None else RequestKind(kind),
        )
        _say_all(wanted, as_json)


@command.command()
@store_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def overdue(as_json: bool) -> None:
    """List the open requests that are past their date."""
    with running_app():
        _say_all(RequestFilter(overdue_at=now()), as_json)


@command.command()
@store_options
@click.argument("request_id", metavar="REQ_ID")
def show(request_id: str) -> None:
    """Show a request with its note and every step, as JSON."""
    with running_app():
        opened = service.get_opened(parse_request_id(request_id), keys())
        told = opened_json(opened, now(), names=True)
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))


@command.command()
@store_options
@click.argument("request_id", metavar="REQ_ID")
@click.option("--identity", type=_IDENTITY, required=True, help="How it was made sure who asks.")
def confirm(request_id: str, identity: str) -> None:
    """Say how it was made sure who asks, where the person does not use the link."""
    with running_app():
        proof = IdentityProof(identity)
        _say(deciding.confirm_request(parse_request_id(request_id), proof, actor(), now(), keys()))


@command.command()
@store_options
@click.argument("request_id", metavar="REQ_ID")
@click.option("--identity", type=_IDENTITY, help="Needed where the person has not confirmed.")
def approve(request_id: str, identity: str | None) -> None:
    """Approve a request."""
    proof = None if identity is None else IdentityProof(identity)
    with running_app():
        _say(deciding.approve_request(parse_request_id(request_id), proof, actor(), now(), keys()))


@command.command()
@store_options
@click.argument("request_id", metavar="REQ_ID")
@_reason
def reject(request_id: str, reason: str) -> None:
    """Reject a request."""
    with running_app():
        _say(deciding.reject_request(parse_request_id(request_id), reason, actor(), now(), keys()))


@command.command()
@store_options
@click.argument("request_id", metavar="REQ_ID")
@_maybe_reason
def cancel(request_id: str, reason: str | None) -> None:
    """Cancel a request that is no longer wanted."""
    with running_app():
        _say(deciding.cancel_request(parse_request_id(request_id), reason, actor(), now(), keys()))


@command.command()
@store_options
@click.argument("request_id", metavar="REQ_ID")
@_reason
def extend(request_id: str, reason: str) -> None:
    """Put the date off, once, by the days that the catalogue gives."""
    with running_app():
        _say(deciding.extend_request(parse_request_id(request_id), reason, actor(), now(), keys()))


@command.command()
@store_options
@click.argument("request_id", metavar="REQ_ID")
@_reason
def hold(request_id: str, reason: str) -> None:
    """Put a legal hold on a request: it is not carried out until it is released."""
    with running_app():
        _say(deciding.hold_request(parse_request_id(request_id), reason, actor(), now(), keys()))


@command.command()
@store_options
@click.argument("request_id", metavar="REQ_ID")
@_maybe_reason
def release(request_id: str, reason: str | None) -> None:
    """Take the hold off a request."""
    with running_app():
        _say(deciding.release_request(parse_request_id(request_id), reason, actor(), now(), keys()))


@command.command()
@store_options
@click.argument("request_id", metavar="REQ_ID")
@click.argument("recipient")
def settle(request_id: str, recipient: str) -> None:
    """Wait no longer for what a recipient answers: the request ends without it, as failed."""
    with running_app():
        recipients.settle(parse_request_id(request_id), recipient, actor(), now())
    click.echo(f"{request_id} waits for {recipient} no longer.")


@command.command("rewrite-files")
@store_options
def rewrite_files() -> None:
    """Write every table with rows of customers anew, so that nothing of who was erased is left even
    in unused parts of files. On PostgreSQL each table is locked meanwhile."""
    with running_app():
        done = cleaning.rewrite()
    click.echo("Done." if done else "The store is in use: try again.")


@command.command()
@store_options
@click.argument("request_id", metavar="REQ_ID")
def certificate(request_id: str) -> None:
    """Print the certificate of an erasure, a signed JWS."""
    with running_app():
        click.echo(erasures.get_certificate(parse_request_id(request_id)))


@command.command()
@store_options
@click.argument("request_id", metavar="REQ_ID")
@click.option("--left", help="What could not be corrected: the request has failed.")
def done(request_id: str, left: str | None) -> None:
    """Say that what a rectification asks for is corrected."""
    with running_app():
        _say(deciding.finish_request(parse_request_id(request_id), left, actor(), now(), keys()))


@command.command()
@store_options
@click.argument("request_id", metavar="REQ_ID")
@_reason
@click.option(
    "--told",
    type=click.Choice([each.value for each in Told]),
    help="How you told the person. Needed where no address is on file.",
)
def lift(request_id: str, reason: str, told: str | None) -> None:
    """Announce that the restriction by a request ends. The person is written to, and the worker
    lifts it seven days later."""
    how = None if told is None else Told(told)
    wanted = parse_request_id(request_id)
    with running_app():
        request = lifting.announce(wanted, reason, how, site(), actor(), now(), keys())
    assert request.lift_at is not None
    click.echo(f"{request_id} restricts until {rfc3339(request.lift_at)}.")


@command.command("cancel-lift")
@store_options
@click.argument("request_id", metavar="REQ_ID")
@_maybe_reason
def cancel_lift(request_id: str, reason: str | None) -> None:
    """Leave a restriction that was to be lifted."""
    wanted = parse_request_id(request_id)
    with running_app():
        lifting.cancel(wanted, reason, site(), actor(), now(), keys())
    click.echo(f"{request_id} goes on to restrict.")


def _say_all(wanted: RequestFilter, as_json: bool) -> None:
    def told(request: Request) -> str:
        return json.dumps(summary_json(request, now())) if as_json else _line(request)

    found = items_of(lambda cursor: service.list_requests(wanted, cursor, _PAGE))
    echo_lines(map(told, found))


def _say(request: Request) -> None:
    click.echo(f"{request_id_text(request.id)} is {request.state}, due {rfc3339(request.due_at)}.")


def _line(request: Request) -> str:
    marks = [
        mark
        for mark, stands in (("overdue", is_overdue(request, now())), ("held", request.held))
        if stands
    ]
    who = customer_id_text(CustomerId(request.place)) if request.known else "(nobody known)"
    line = f"{request_id_text(request.id)}  {request.kind:<13} {request.state:<9}"
    return f"{line} due {rfc3339(request.due_at)}  {who}  {' '.join(marks)}".rstrip()
