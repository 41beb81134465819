"""Column types: aware UTC times, UUIDs, sealed values."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, LargeBinary, TypeDecorator

from consent_service.crypto.envelope import Sealed


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: timestamptz on PostgreSQL, sortable UTC text on SQLite. Naive is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses naive times; SQLite keeps the UTC wall clock."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time reached the database")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """The same in one call, for a driver that writes times itself."""
        return _aware if dialect.name == "postgresql" else super().bind_processor(dialect)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Always aware UTC."""
        return _in_utc(value)

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None] | None:
        """The same for whole columns: of a driver that makes times itself, in one call each."""
        if dialect.name == "postgresql":
            return _in_utc
        return super().result_processor(dialect, coltype)


def _aware(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError("a naive time reached the database")
    return value.astimezone(UTC)


def _in_utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class SealedBytes(TypeDecorator[Sealed]):
    """A sealed value. The structure tests know personal columns by this type; its `field`
    is the stable name that the seal's associated data carries."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, field: str) -> None:
        super().__init__()
        self.field = field

    def process_bind_param(self, value: Sealed | None, dialect: Dialect) -> Any:
        """As it is: sealing happens in the services."""
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> Sealed | None:
        """Plain `bytes`, whatever the driver's buffer type."""
        return None if value is None else Sealed(bytes(value))
