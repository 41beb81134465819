"""An audience as a Parquet file. The summary stands in the footer, as `consent.summary`."""

import os
from collections.abc import Iterator
from io import RawIOBase
from typing import IO, Any

import msgspec

os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # it takes 25 MB, its own one 60
import pyarrow
from pyarrow.parquet import ParquetFile, ParquetWriter

from consent_service.kernel.errors import Invalid
from consent_service.screenings.forms import PORTION, Form, Named, Portion, mixed, only_column
from consent_service.screenings.model import Column, Summary, Unusable
from consent_service.screenings.subjects import crowd_of, subject_of

_AHEAD = 1 << 16  # bytes of a column; all of it in a group of rows otherwise
_UNREADABLE = (pyarrow.ArrowException, OSError, ValueError)


class Parquet(Form):
    """Rows in batches; the columns and their types stay as they are."""

    def __init__(
        self, source: IO[bytes], again: IO[bytes], sink: RawIOBase, column: Column | None
    ) -> None:
        super().__init__(source, again, sink, column)
        self._writer: Any = None
        self._left: Any = None

    def portions(self) -> Iterator[Portion]:
        """Whom the rows name, in batches."""
        file, schema = _file(self._source)
        name = only_column(schema.names, self._column)
        kind = schema.field(name).type
        if not _is_text(kind):
            raise Invalid.at("", "no_column", f"The column {name.value} holds no text.")
        self._batches = _batches(_file(self._again)[0])
        self._writer = ParquetWriter(self._sink, schema, compression="zstd")
        for batch in _batches(file, [name.value]):
            yield _portion(name, batch)

    def keep(self, permitted: bytes) -> None:
        """Writes the rows."""
        mask = pyarrow.UInt8Array.from_buffers(
            pyarrow.uint8(), len(permitted), [None, pyarrow.py_buffer(permitted)]
        ).cast(pyarrow.bool_())
        at = 0
        while at < len(permitted):  # the batches of all columns may be others than of one
            batch = self._left or next(self._batches)
            some = batch.slice(0, len(permitted) - at)
            self._left = batch.slice(len(some)) if len(some) < len(batch) else None
            self._writer.write_batch(some.filter(mask.slice(at, len(some))))
            at += len(some)

    def finish(self, summary: Summary, *, rows_only: bool = False) -> None:
        """Writes the footer, with the summary: no row in any case."""
        self._writer.add_key_value_metadata({"consent.summary": msgspec.json.encode(summary)})
        self._writer.close()


def _is_text(kind: Any) -> bool:
    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
    return kind in (pyarrow.string(), pyarrow.large_string(), pyarrow.string_view())


def _file(source: IO[bytes]) -> tuple[Any, Any]:
    """A file and its schema."""
    try:
        file = ParquetFile(source, pre_buffer=False, buffer_size=_AHEAD)
        return file, file.schema_arrow
    except _UNREADABLE:
        raise _no_parquet() from None


def _batches(file: ParquetFile, columns: list[str] | None = None) -> Iterator[Any]:
    batches = file.iter_batches(batch_size=PORTION, columns=columns, use_threads=False)
    try:
        yield from batches
    except _UNREADABLE:
        raise _no_parquet() from None


def _portion(column: Column, batch: Any) -> Portion:
    texts = batch.column(column).to_pylist()
    crowd = crowd_of(column, texts) if all(texts) else None
    if crowd is not None:
        return Portion(crowd)
    return mixed([_named(column, text) for text in texts], batch.nbytes)


def _named(column: Column, text: str | None) -> Named:
    return Unusable.NOBODY_NAMED if not text else subject_of(column, text)


def _no_parquet() -> Invalid:
    return Invalid.at("", "not_readable", "The body is no whole Parquet file.")
