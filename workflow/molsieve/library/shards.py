"""Shards of a records table: files of equal numbers of rows, in order."""

from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import pyarrow as pa

from molsieve.files import TableWriter

# A row group is held in memory; molblocks and wide tables reach this long before its usual number of rows.
_ROW_GROUP_BYTES = 64 << 20


class Shard(NamedTuple):
    """One finished shard."""

    name: str
    rows: int
    first_record_id: int


class ShardWriter:
    """Writes rows into ``00000.parquet``, ``00001.parquet`` and so on; use as a context manager.

    Shards are complete files as soon as they are full. When the block ends with an exception, all of them are deleted.

    Args:
        folder: Where they lie; it exists.
        schema: Schema of the rows.
        shard_size: Rows a shard.
        first_record_id: Record of the first row.

    """

    def __init__(self, folder: Path, schema: pa.Schema, shard_size: int, first_record_id: int) -> None:
        self.folder = folder
        self.shards: list[Shard] = []
        self._schema = schema
        self._shard_size = shard_size
        self._first_record_id = first_record_id
        self._writer: _BoundedWriter | None = None

    def __enter__(self) -> Self:
        return self

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        while table.num_rows:
            if self._writer is None:
                self._writer = _BoundedWriter(self.folder / f"{len(self.shards):05d}.parquet", self._schema)
                self._writer.__enter__()
            room = self._shard_size - self._writer.rows
            self._writer.write(table.slice(0, room))
            table = table.slice(room)
            if self._writer.rows == self._shard_size:
                self._finish()

    def _finish(self) -> None:
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        first = self._first_record_id + sum(shard.rows for shard in self.shards)
        writer.__exit__(None, None, None)
        self.shards.append(Shard(f"{len(self.shards):05d}.parquet", writer.rows, first))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                self._finish()
            except BaseException:
                self._delete()
                raise
            return
        if self._writer is not None:
            self._writer.__exit__(kind, error, trace)
        self._delete()

    def _delete(self) -> None:
        for shard in self.shards:
            (self.folder / shard.name).unlink(missing_ok=True)


class _BoundedWriter(TableWriter):
    """A table writer whose row groups are bounded in bytes too."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        super().__init__(path, schema)
        self._pending_bytes = 0

    def write(self, table: pa.Table) -> None:
        super().write(table)
        # get_total_buffer_size would count the whole batch again for each slice of it.
        self._pending_bytes += table.nbytes
        if self._pending_bytes > _ROW_GROUP_BYTES and self._pending_rows:
            self._flush(keep_remainder=False)
            self._pending_bytes = 0
