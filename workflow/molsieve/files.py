"""Files that are either complete or not there: written under a temporary name and renamed into place."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

# DuckDB and Polars read this row group size in parallel without extra seeks; contract.
ROW_GROUP_ROWS = 122_880


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; rename it to ``path`` on success, delete it on any failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class TableWriter:
    """Write a Parquet table batch by batch in constant memory; use as a context manager.

    Row groups hold ``ROW_GROUP_ROWS`` rows, fewer only at the end. Nothing appears at ``path`` unless the block ends
    without an exception.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.schema = schema
        self.rows = 0
        self._replacing = replacing(path)
        self._pending: list[pa.Table] = []
        self._pending_rows = 0

    def __enter__(self) -> Self:
        temporary = self._replacing.__enter__()
        self._writer = pq.ParquetWriter(temporary, self.schema, compression="zstd")
        return self

    def write(self, table: pa.Table) -> None:
        """Append rows; they are cast to the schema, so a wrong type fails here and not at the reader."""
        table = table.select(self.schema.names).cast(self.schema)
        self.rows += table.num_rows
        self._pending.append(table)
        self._pending_rows += table.num_rows
        if self._pending_rows >= ROW_GROUP_ROWS:
            self._flush(keep_remainder=True)

    def _flush(self, *, keep_remainder: bool) -> None:
        table = pa.concat_tables(self._pending)
        whole = table.num_rows - (table.num_rows % ROW_GROUP_ROWS if keep_remainder else 0)
        if whole:
            self._writer.write_table(table.slice(0, whole), row_group_size=ROW_GROUP_ROWS)
        self._pending = [table.slice(whole)]
        self._pending_rows = table.num_rows - whole

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            with suppress(OSError):  # the disk may be full; the first error is the one to show
                self._writer.close()
            self._replacing.__exit__(kind, error, trace)
            return
        try:
            if self._pending_rows:
                self._flush(keep_remainder=False)
            self._writer.close()
        except BaseException as failure:
            self._replacing.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._replacing.__exit__(None, None, None)


def write_table(path: Path, table: pa.Table, schema: pa.Schema) -> None:
    """Write a whole table atomically in the given schema."""
    with TableWriter(path, schema) as writer:
        writer.write(table)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
