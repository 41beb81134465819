"""`consent worker`: runs the periodic jobs."""

import threading
from datetime import timedelta

import click
import structlog

from consent_service.accounts import jobs as accounts
from consent_service.catalogue.jobs import forget_entries
from consent_service.cli.context import chosen_settings, running_app
from consent_service.cli.options import store_options
from consent_service.cli.stopping import on_stop
from consent_service.config import Settings
from consent_service.jobs.model import Job
from consent_service.jobs.service import run_due
from consent_service.kernel.errors import MisconfiguredError, Unavailable
from consent_service.ledger import partitions, retention
from consent_service.ledger.sealer import Sealer
from consent_service.oauth import service as oauth
from consent_service.web import idempotency, throttling
from consent_service.web.runtime import keys, now, runtime

JOBS = {
    "accounts.send_links": Job(accounts.send_links, timedelta(seconds=2)),
    "accounts.delete_expired": Job(accounts.delete_expired, timedelta(minutes=10)),
    "idempotency.delete_expired": Job(lambda _: idempotency.delete_expired(), timedelta(hours=1)),
    "ledger.drop_partitions": Job(lambda _: retention.drop_emptied(), timedelta(hours=1)),
    "ledger.forget_entries": Job(forget_entries, timedelta(seconds=10)),
    "ledger.make_partitions": Job(partitions.make_ahead, timedelta(hours=1)),
    "mail.deliver": Job(accounts.deliver_mail, timedelta(seconds=2)),
    "oauth.delete_expired_tokens": Job(oauth.delete_expired_tokens, timedelta(minutes=10)),
    "throttling.delete_expired": Job(throttling.delete_expired, timedelta(minutes=10)),
}
_PAUSE = 0.25  # a checkpoint is due within a second
_PAUSE_AFTER_FAULT = 1.0

_log = structlog.get_logger()


@click.command()
@store_options
def command() -> None:
    """Run the periodic jobs until SIGTERM or Ctrl-C. Several may run beside each other."""
    run(chosen_settings())


def run(settings: Settings) -> None:
    """Works until this process is told to stop; what is under way is finished first."""
    stop = threading.Event()
    on_stop(stop.set)
    with running_app(settings):
        work_until(stop)


def work_until(stop: threading.Event) -> None:
    """Runs what is due and seals the log, again and again. A store that does not answer is waited
    for."""
    sealer = Sealer(runtime().settings.base_url)
    while not stop.is_set():
        try:
            ran = run_due(JOBS, now()) + sealer.run(keys(), now())
        except Unavailable:
            _log.error("worker:store:unavailable")
            stop.wait(_PAUSE_AFTER_FAULT)
            continue
        except MisconfiguredError as error:
            _log.error("worker:keys:misconfigured", fault=str(error))
            stop.wait(_PAUSE_AFTER_FAULT)
            continue
        if not ran:
            stop.wait(_PAUSE)
