"""A group of commands that is itself one: what names none of them is for the default."""

from typing import Any

import click


class DefaultGroup(click.Group):
    """`consent backup DIR` is `consent backup make DIR`."""

    def __init__(self, *arguments: Any, default: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._default = default

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command named, or the default."""
        if args and args[0] not in self.commands:
            args = [self._default, *args]
        return super().resolve_command(ctx, args)
