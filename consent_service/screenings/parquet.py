"""An audience as a Parquet file. The summary stands in the footer, as `consent.summary`."""

from collections.abc import Iterator, Sequence
from io import RawIOBase
from typing import IO, Any

import msgspec
import pyarrow
from pyarrow.parquet import ParquetFile, ParquetWriter

from consent_service.kernel.errors import Invalid
from consent_service.screenings.forms import PORTION, Form, Named, only_column
from consent_service.screenings.model import Column, Summary, Unusable
from consent_service.screenings.subjects import subject_of

_UNREADABLE = (pyarrow.ArrowException, OSError, ValueError)


class Parquet(Form):
    """Rows in batches; the columns and their types stay as they are."""

    def __init__(self, source: IO[bytes], sink: RawIOBase, column: Column | None) -> None:
        super().__init__(source, sink, column)
        self._batch: Any = None
        self._writer: Any = None

    def portions(self) -> Iterator[list[Named]]:
        """Whom the rows name."""
        try:
            file = ParquetFile(self._source, pre_buffer=False)
            schema = file.schema_arrow
        except _UNREADABLE:
            raise _no_parquet() from None
        name = only_column(schema.names, self._column)
        kind = schema.field(name).type
        if not _is_text(kind):
            raise Invalid.at("", "no_column", f"The column {name.value} holds no text.")
        self._writer = ParquetWriter(self._sink, schema, compression="zstd")
        batches = file.iter_batches(batch_size=PORTION)
        while (batch := _next(batches)) is not None:
            self._batch = batch
            yield [_named(name, text) for text in batch.column(name).to_pylist()]

    def keep(self, permitted: Sequence[bool]) -> None:
        """Writes the rows."""
        self._writer.write_batch(self._batch.filter(pyarrow.array(permitted, pyarrow.bool_())))

    def finish(self, summary: Summary, *, rows_only: bool = False) -> None:
        """Writes the footer, with the summary: no row in any case."""
        self._writer.add_key_value_metadata({"consent.summary": msgspec.json.encode(summary)})
        self._writer.close()


def _is_text(kind: Any) -> bool:
    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
    return kind in (pyarrow.string(), pyarrow.large_string(), pyarrow.string_view())


def _next(batches: Iterator[Any]) -> Any:
    try:
        return next(batches, None)
    except _UNREADABLE:
        raise _no_parquet() from None


def _named(column: Column, text: str | None) -> Named:
    return Unusable.NOBODY_NAMED if not text else subject_of(column, text)


def _no_parquet() -> Invalid:
    return Invalid.at("", "not_readable", "The body is no whole Parquet file.")
