"""Runs migrations on the connection that `storage.migrations` hands over.

Our column types are written down as what they are in the database, so that a migration says
the same for ever, whatever becomes of the types.
"""

from typing import Any

from alembic import context
from sqlalchemy import TypeDecorator

from consent_service.storage.db import Base


def plain_type(kind: str, item: Any, autogenerate: Any) -> str | bool:
    """`sa.…` of the underlying type for a type of ours; False leaves it to Alembic."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=plain_type,
)
context.run_migrations()
