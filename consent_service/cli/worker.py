"""`consent worker`: runs the periodic jobs."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import click
import structlog
from flask import Flask, current_app

from consent_service import wsgi
from consent_service.accounts import jobs as accounts
from consent_service.catalogue.jobs import forget_entries
from consent_service.cli.context import begin_with, chosen_settings, running
from consent_service.cli.options import store_options
from consent_service.cli.stopping import on_stop
from consent_service.consents import jobs as consents
from consent_service.consents.keeping import forget_proofs
from consent_service.consents.retention import Round
from consent_service.erasures import cleaning
from consent_service.jobs.model import Job
from consent_service.jobs.service import Timetable
from consent_service.kernel.errors import MisconfiguredError, Unavailable
from consent_service.ledger import counting, partitions, retention
from consent_service.ledger.sealer import BATCH, Sealer
from consent_service.oauth import service as oauth
from consent_service.operations.gate import Gate
from consent_service.operations.keeping import Keeper
from consent_service.operations.model import NotReplayed
from consent_service.packages import jobs as packages
from consent_service.privacy_requests import jobs as privacy_requests
from consent_service.profile_retention import service as profile_retention
from consent_service.proof_openings import service as proof_openings
from consent_service.recipients import service as recipients
from consent_service.screenings import working as screenings
from consent_service.screenings.retention import forget_screenings
from consent_service.web import idempotency, throttling
from consent_service.web.runtime import keys, now, runtime
from consent_service.webhooks import jobs as webhooks
from consent_service.witnesses import jobs as witnesses

_FIELDS = profile_retention.Round()

JOBS = {
    "accounts.send_links": Job(
        accounts.send_links, timedelta(seconds=2), waits=accounts.is_link_asked
    ),
    "accounts.delete_expired": Job(accounts.delete_expired, timedelta(minutes=10)),
    "consents.delete_expired": Job(consents.delete_expired, timedelta(hours=1)),
    "consents.forget_past": Job(Round().forget, timedelta(seconds=30)),
    "consents.forget_proofs": Job(forget_proofs, timedelta(hours=1)),
    "consents.send_confirmations": Job(
        consents.send_confirmations, timedelta(seconds=2), waits=consents.is_confirmation_waiting
    ),
    "idempotency.delete_expired": Job(lambda _: idempotency.delete_expired(), timedelta(hours=1)),
    "ledger.drop_partitions": Job(lambda _: retention.drop_emptied(), timedelta(hours=1)),
    "ledger.forget_entries": Job(forget_entries, timedelta(seconds=10)),
    "ledger.make_partitions": Job(partitions.make_ahead, timedelta(hours=1)),
    "ledger.say_gone": Job(counting.say, timedelta(hours=1)),
    "oauth.delete_expired_tokens": Job(oauth.delete_expired_tokens, timedelta(minutes=10)),
    "packages.delete_expired": Job(packages.delete_expired, timedelta(minutes=10)),
    "privacy_requests.delete_expired": Job(privacy_requests.delete_expired, timedelta(hours=1)),
    "privacy_requests.lift": Job(privacy_requests.lift, timedelta(minutes=1)),
    "privacy_requests.look_up": Job(
        privacy_requests.look_up, timedelta(seconds=2), waits=privacy_requests.is_one_to_look_up
    ),
    "privacy_requests.remind": Job(privacy_requests.remind, timedelta(minutes=10)),
    "privacy_requests.tell": Job(privacy_requests.tell, timedelta(seconds=10)),
    "profiles.forget_past": Job(lambda at: _FIELDS.forget(at, keys()), timedelta(seconds=30)),
    "proof_openings.delete_past": Job(proof_openings.delete_past, timedelta(hours=1)),
    "throttling.delete_expired": Job(throttling.delete_expired, timedelta(minutes=10)),
}
APART = {  # each waits for another machine or moves much, and neither the log nor the others wait
    "erasures.clean": Job(cleaning.clean, timedelta(minutes=1)),
    "mail.deliver": Job(accounts.deliver_mail, timedelta(seconds=2), waits=accounts.is_mail_due),
    "packages.build": Job(packages.build, timedelta(seconds=2), waits=packages.is_one_waiting),
    "privacy_requests.carry_out": Job(
        privacy_requests.carry_out,
        timedelta(seconds=5),
        lease=timedelta(minutes=1),
        waits=privacy_requests.is_one_under_way,
    ),
    "recipients.reach": Job(
        recipients.reach, timedelta(seconds=5), waits=recipients.is_one_to_reach
    ),
    "screenings.forget": Job(forget_screenings, timedelta(hours=1)),
    "screenings.delete_expired": Job(screenings.delete_expired, timedelta(minutes=10)),
    "webhooks.tidy": Job(webhooks.tidy, timedelta(minutes=10)),
    "witnesses.send": Job(witnesses.send_due, timedelta(seconds=5), waits=witnesses.is_one_due),
}
WEBHOOK_LANES = (False, False, False, True)  # the last is for those whose last try failed
_PAUSE = 0.4  # a checkpoint is due within a second, and one for every few entries slows checks
_LONG_PAUSE = 1.0  # for what may begin a little later: each look costs the store something
_PAUSE_AFTER_FAULT = 1.0
_PAUSE_NOT_REPLAYED = 5.0
_SAY_AGAIN = 5.0
_LAST_WORDS = 20.0  # seconds, for what is under way apart

_log = structlog.get_logger()


@click.command()
@store_options
def command() -> None:
    """Run the periodic jobs until SIGTERM or Ctrl-C. Several may run beside each other."""
    run(wsgi.application(chosen_settings()))


def run(app: Flask) -> None:
    """Works until this process is told to stop; what is under way is finished first."""
    stop = threading.Event()
    on_stop(stop.set)
    begin_with(app)
    with running(app, replayed=False):
        work_until(stop)


def work_until(stop: threading.Event) -> None:
    """Runs what is due and seals the log, again and again. A store that does not answer is waited
    for."""
    sealer = Sealer(runtime().settings.base_url)
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # the app, for threads
    works: list[tuple[Callable[[], int], float]]
    works = [(partial(_run_due, Timetable({name: job})), _PAUSE) for name, job in APART.items()]
    works.append((partial(_screen_next, stop), _LONG_PAUSE))
    works.append((lambda: webhooks.dispatch(now()), _PAUSE))
    works += [(work, _PAUSE) for work in _journals()]
    for lane, failing in enumerate(WEBHOOK_LANES):
        serve = partial(webhooks.serve_next, stop.is_set, failing=failing)
        works.append((serve, _LONG_PAUSE if lane else _PAUSE))
    loop = _Loop(stop)
    apart = [threading.Thread(target=_work_apart, args=(app, loop, *w), daemon=True) for w in works]
    for thread in apart:
        thread.start()
    jobs = Timetable(JOBS)
    loop.repeat(lambda: jobs.run_due(now()) + (sealer.run(keys(), now()) >= BATCH), _PAUSE)
    until = time.monotonic() + _LAST_WORDS
    for thread in apart:
        thread.join(max(0.0, until - time.monotonic()))


def _journals() -> list[Callable[[], int]]:
    settings = runtime().settings
    if settings.journal_dir is None:
        return []
    keeper = Keeper(settings.journal_dir, settings.base_url)
    return [lambda: keeper.work(now, keys())]


def _run_due(jobs: Timetable) -> int:
    return jobs.run_due(now())


def _screen_next(stop: threading.Event) -> int:
    return screenings.answer_next(now, keys(), stop.is_set)


def _work_apart(app: Flask, loop: "_Loop", work: Callable[[], int], pause: float) -> None:
    try:
        with app.app_context():
            loop.repeat(work, pause)
    finally:
        loop.stop.set()  # whatever ended it: the worker ends too, and is started anew


class _Loop:
    """What every thread of a worker does until it is to stop: work, or a pause where there was
    none."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self._gate = Gate()
        self._lock, self._quiet_until = threading.Lock(), dict[str, float]()

    def repeat(self, work: Callable[[], int], pause: float) -> None:
        """Does it again and again; it says how much there was."""
        while not self.stop.is_set():
            self.stop.wait(self._pause_after(work, pause))

    def _pause_after(self, work: Callable[[], int], pause: float) -> float:
        try:
            self._gate.check()
            return 0.0 if work() else pause
        except NotReplayed:
            self._say(_log.warning, "worker:store:not_replayed")
            return _PAUSE_NOT_REPLAYED
        except Unavailable:
            self._say(_log.error, "worker:store:unavailable")
        except MisconfiguredError as error:
            self._say(_log.error, "worker:keys:misconfigured", fault=str(error))
        return _PAUSE_AFTER_FAULT

    def _say(self, log: Callable[..., None], event: str, **about: str) -> None:
        """What every thread meets is said once, and again while it lasts."""
        with self._lock:
            now_s = time.monotonic()
            is_due = now_s >= self._quiet_until.get(event, 0.0)
            if is_due:
                self._quiet_until[event] = now_s + _SAY_AGAIN
        if is_due:
            log(event, **about)
