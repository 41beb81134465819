"""`consent`: the list of commands. A command's module is imported when the command is used,
so that `consent --help` answers at once. To add one: a line in `SECTIONS`, and a module in
this room whose click command is called `command`."""

import gc
import importlib
import os
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import click

from consent_service import __version__
from consent_service.cli.options import store_options
from consent_service.cli.outcome import ending_well


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: its name, the module it is in, and what it does, in one line."""

    name: str
    module: str
    line: str


SECTIONS = {
    "Run it": (
        Entry("demo", "demo", "Try it out here, with a sample catalogue and sample people."),
        Entry("serve", "serve", "Run web and worker, for production."),
        Entry("worker", "worker", "Run the periodic jobs alone. `serve` starts one by itself."),
    ),
    "Set it up": (
        Entry("keys", "keys", "Make, list, rotate and rewrap the service's own keys."),
        Entry("migrate", "migrate", "Bring the store's tables to this release."),
        Entry("catalogue", "catalogue", "Load or show the catalogue of purposes."),
        Entry("clients", "clients", "Create, list, disable and delete API clients."),
        Entry("staff", "staff", "Create, list, reset and disable staff who sign in here."),
        Entry("webhooks", "webhooks", "Who is sent what changes, and what came of it."),
        Entry("quotas", "quotas", "Set how many requests a minute a client may make."),
    ),
    "Keep it": (
        Entry("backup", "backup", "Back the store up, with keys in a file of their own."),
        Entry("restore", "restore", "Put a backup back, and replay what happened since."),
        Entry("retention", "retention", "Show how long what is kept, and what was let go."),
    ),
    "Bring data in": (
        Entry("import", "imports", "Import another system's export, such as a mailing list."),
    ),
    "Ask": (
        Entry("screen", "screen", "Ask about everybody in a file, and keep who is permitted."),
    ),
    "Answer people": (
        Entry("requests", "requests", "List, show and decide privacy requests."),
        Entry("proofs", "proofs", "Open, as two officers, what proves consents of the erased."),
    ),
    "Prove it": (
        Entry("log", "log", "Check the log, and pack evidence for auditors."),
        Entry("witnesses", "witnesses", "Who outside keeps checkpoints of the log."),
        Entry("audit", "audit", "For auditors: pull the log of a service, and check it."),
    ),
    "Look it up": (Entry("openapi", "openapi", "Print the OpenAPI document."),),
}
_ENTRIES = {entry.name: entry for section in SECTIONS.values() for entry in section}


class Commands(click.Group):
    """The commands of `SECTIONS`, listed by section and imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(_ENTRIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself."""
        entry = _ENTRIES.get(cmd_name)
        if entry is None:
            return None
        found = _imported(f"consent_service.cli.{entry.module}").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line each, by section."""
        for title, entries in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(entry.name, entry.line) for entry in entries])

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; says in a line what is wrong."""
        with ending_well(ctx):
            return super().invoke(ctx)


def _imported(module: str) -> ModuleType:
    """A module. What is imported stays, and the cyclic collector would walk it over and over: a
    sixth of a cold start."""
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.freeze()
        gc.enable()


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="consent")
@store_options
def main() -> None:
    """Consent and privacy management: ask before you use a person's data.

    Settings come from the environment (CONSENT_...). Which store: --data-dir for one
    SQLite file with its keys, or --database-url for PostgreSQL.
    """
    os.umask(0o077)  # what this service writes is nobody else's to read
