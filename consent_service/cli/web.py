"""The web server process, and its own workers."""

import multiprocessing
import os
import signal
import sys
from contextlib import suppress
from functools import partial

import click
import structlog
from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from consent_service.cli import lifeline
from consent_service.cli.context import begin_with
from consent_service.cli.stopping import on_stop
from consent_service.config import PREFIX, Settings
from consent_service.kernel.errors import MisconfiguredError

_HEADERS_WITHIN_MS = 10_000
_JSON = {
    "()": structlog.stdlib.ProcessorFormatter,
    "foreign_pre_chain": [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ],
    "processors": [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(),
    ],
}
_HANDLER = {"formatter": "json", "class": "logging.StreamHandler", "stream": "ext://sys.stderr"}
_LOGS = {"formatters": {"json": _JSON}, "handlers": {"console": _HANDLER, "access": _HANDLER}}


def run(settings: Settings, app: Flask) -> None:
    """Serves an app by HTTP until this process is told to stop."""
    multiprocessing.set_start_method("fork", force=True)
    server = _server(settings)
    on_stop(server.signal_handler_interrupt)
    server.serve(target_loader=partial(_begin, app))


def _server(settings: Settings) -> MPServer:
    """The server, with its own worker processes kept running and no access log: paths hold
    ids."""
    return MPServer(
        "consent_service.wsgi:application",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADERS_WITHIN_MS),
        websockets=False,
        workers=settings.workers,
        blocking_threads=settings.threads,
        respawn_failed_workers=True,
        workers_kill_timeout=int(lifeline.GRACE) - 5,
        log_level=LogLevels.error,
        log_dictconfig=_LOGS,
        log_access=False,
    )


def _begin(app: Flask, _: str) -> Flask:
    """A worker process's first steps: it was just forked."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    on_stop(_stop_worker)
    server = multiprocessing.parent_process()
    assert server is not None
    assert server.pid is not None
    lifeline.follow(server.pid, lifeline.GRACE - 5)
    _let_others_finish()
    try:
        begin_with(app)
    except MisconfiguredError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]  # Granian copies the environment into every request's: not the keys
    return app


def _let_others_finish() -> None:
    """Has a thread that is woken wait until another, or the store beside us, has to wait itself or
    has had its time: each switch costs more than a small part of a request does."""
    with suppress(AttributeError, OSError):  # a system that has no such thing, or lets nobody
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _stop_worker() -> None:
    """Finishes the requests under way, by the handler that Granian has set; before it has,
    there are none."""
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler):
        handler(signal.SIGTERM, None)
    else:
        os._exit(0)
