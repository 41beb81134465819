"""`consent keys`: the service's own keys. `customers` seals nothing without them."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import click

from consent_service.accounts import staff
from consent_service.cli import key_file
from consent_service.cli.context import chosen_settings, running_app
from consent_service.cli.options import store_options
from consent_service.crypto.keyring import Keyring, KeyUse
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.kernel.clock import utc_now
from consent_service.web.runtime import keys

BATCH = 500


@click.group()
@store_options
def command() -> None:
    """Make, list, rotate and rewrap the service's own keys."""


@command.command()
@store_options
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
def init(file: Path | None) -> None:
    """Make a key file with fresh keys, mode 0600: FILE, else the one of the settings.

    Never touches a file that exists. Keep a copy apart from the database's: without the
    keys its data is lost.
    """
    path = file or key_file.provider_of(chosen_settings()).path
    key_file.create(path, utc_now())
    click.echo(f"Made {path}. Keep a copy of it, apart from the database's.")


@command.command()
@store_options
def status() -> None:
    """List the keys, and how many customers' data keys and secrets of staff are under which."""
    with running_app(keys_fit=False, replayed=False):
        ring = keys()
        sealed = Counter(data_keys.count_keys_by_master())
        sealed.update(staff.count_secrets_by_master())
    click.echo(f"{'use':<8} {'id':<9} {'created':<28} {'newest':<7} sealed under it")
    for use in KeyUse:
        for key in ring.of(use):
            newest = "yes" if key is ring.newest(use) else "no"
            count = str(sealed[key.id]) if use is KeyUse.MASTER else "-"
            click.echo(f"{use:<8} {key.id.hex():<9} {key.created_at:<28} {newest:<7} {count}")
    for lost in sealed.keys() - {key.id for key in ring.of(KeyUse.MASTER)}:
        click.echo(f"MISSING  {lost.hex():<9} {'':<28} {'':<7} {sealed[lost]}")


@command.command()
@store_options
@click.option(
    "--use",
    type=click.Choice([use.value for use in KeyUse]),
    default=KeyUse.MASTER.value,
    show_default=True,
    help="Which kind of key.",
)
def rotate(use: str) -> None:
    """Add a new, newest key to the key file. Running processes take it up at once.

    After a new master or index key, run `consent keys rewrap`.
    """
    provider = key_file.provider_of(chosen_settings())
    key = key_file.add_key(provider, KeyUse(use), utc_now())
    click.echo(f"Added {use} key {key.id.hex()} to {provider.path}. Keep a copy of the file now.")


@command.command()
@store_options
def rewrap() -> None:
    """Bring data keys and look-up indexes under the newest keys, while the service runs.

    May be stopped and started again. Old keys stay in the ring: older backups need them.
    """
    with running_app(replayed=False):
        newest = keys().newest(KeyUse.MASTER).id
        counts = data_keys.count_keys_by_master()
        old = sum(count for master, count in counts.items() if master != newest)
        _in_batches("data keys", old, data_keys.rewrap_batch)
        _in_batches("look-up indexes", 0, customers.reindex_batch)
        _in_batches("staff's secrets", 0, staff.rewrap_batch)


def _in_batches(what: str, expected: int, step: Callable[[Keyring, int], int]) -> None:
    done = 0
    with click.progressbar(range(expected), label=what, hidden=not expected) as bar:
        while count := step(keys(), BATCH):
            done += count
            bar.update(count)
    click.echo(f"{what}: {done} brought under the newest key, 0 left on the old key")
