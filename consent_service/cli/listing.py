"""How a list is read and printed."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import click

from consent_service.kernel.paging import Page

Item = TypeVar("Item")


def items_of(read_page: Callable[[str | None], Page[Item]]) -> Iterator[Item]:
    """What is on every page, each read by the cursor of the one before it."""
    cursor: str | None = None
    while True:
        page = read_page(cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def echo_lines(lines: Iterable[str]) -> None:
    """Prints a line each. Where there is none it says so, on standard error: what a script reads
    stays empty."""
    empty = True
    for line in lines:
        click.echo(line)
        empty = False
    if empty:
        click.echo("There are none.", err=True)
