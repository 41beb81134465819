"""An audience as a Parquet file. The summary stands in the footer, as `consent.summary`."""

from collections.abc import Iterator
from io import RawIOBase
from typing import IO, Any

import msgspec
import pyarrow
from pyarrow.parquet import ParquetFile, ParquetWriter

from consent_service.kernel.errors import Invalid
from consent_service.screenings.forms import PORTION, Form, Named, Portion, mixed, only_column
from consent_service.screenings.model import Column, Summary, Unusable
from consent_service.screenings.subjects import crowd_of, subject_of

_UNREADABLE = (pyarrow.ArrowException, OSError, ValueError)


class Parquet(Form):
    """Rows in batches; the columns and their types stay as they are."""

    def __init__(self, source: IO[bytes], sink: RawIOBase, column: Column | None) -> None:
        super().__init__(source, sink, column)
        self._writer: Any = None

    def portions(self) -> Iterator[Portion]:
        """The rows, in batches."""
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
            yield _portion(name, batch)

    def keep(self, portion: Portion, permitted: bytes) -> None:
        """Writes the rows."""
        mask = pyarrow.UInt8Array.from_buffers(
            pyarrow.uint8(), len(permitted), [None, pyarrow.py_buffer(permitted)]
        )
        self._writer.write_batch(portion.rows.filter(mask.cast(pyarrow.bool_())))

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


def _portion(column: Column, batch: Any) -> Portion:
    texts = batch.column(column).to_pylist()
    crowd = crowd_of(column, texts) if all(texts) else None
    if crowd is not None:
        return Portion(batch, batch.nbytes, crowd)
    return mixed(batch, batch.nbytes, [_named(column, text) for text in texts])


def _named(column: Column, text: str | None) -> Named:
    return Unusable.NOBODY_NAMED if not text else subject_of(column, text)


def _no_parquet() -> Invalid:
    return Invalid.at("", "not_readable", "The body is no whole Parquet file.")
