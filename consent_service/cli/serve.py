"""`consent serve`: web and worker in one command."""

import sys
from functools import partial

import click
import structlog
from flask import Flask

from consent_service.cli import web, worker
from consent_service.cli.context import chosen_settings, running_app
from consent_service.cli.options import store_options
from consent_service.cli.ports import reserved_port
from consent_service.cli.supervisor import Child, Supervisor
from consent_service.config import Settings
from consent_service.kernel.heap import share_heap

_OTHERWISE = "set another CONSENT_PORT or CONSENT_HOST"

_log = structlog.get_logger()


@click.command()
@store_options
@click.option("--host", help="Where to listen; 127.0.0.1 unless set [CONSENT_HOST].")
@click.option("--port", type=int, help="8000 unless set [CONSENT_PORT].")
@click.option("--workers", type=int, help="Web processes; 2 unless set [CONSENT_WORKERS].")
@click.option("--threads", type=int, help="Per web process; 8 unless set [CONSENT_THREADS].")
def command(host: str | None, port: int | None, workers: int | None, threads: int | None) -> None:
    """Run web and worker, restart what fails, stop cleanly on SIGTERM or Ctrl-C.

    Refuses to start without a key file, or on a store of another release.
    """
    share_heap()
    settings = chosen_settings(host=host, port=port, workers=workers, threads=threads)
    with running_app(settings, replayed=False) as app:
        pass  # refuses what the children would, once and in plain words
    reserved = reserved_port(settings.host, settings.port, _OTHERWISE)
    with reserved, supervised(settings, app) as supervisor:
        _log.info("serve:server:started", host=settings.host, port=settings.port)
        supervisor.wait()
    sys.exit(0 if supervisor.stopped_in_time else 1)


def supervised(settings: Settings, app: Flask, *more: Child) -> Supervisor:
    """The processes of a server and some more, not yet started. They share the app, which has no
    connection open: each opens its own."""
    pages, jobs = partial(web.run, settings, app), partial(worker.run, app)
    return Supervisor([Child("web", pages), Child("worker", jobs), *more])
