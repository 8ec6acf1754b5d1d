"""Stage ``ingest``: library files of any format to the records table, in shards, with constant memory."""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molsieve import SCHEMA_VERSION
from molsieve.errors import MolsieveError
from molsieve.files import write_text
from molsieve.library.download import sha256_of
from molsieve.library.duplicates import DuplicateCounter
from molsieve.library.records import SCHEMA, records_table
from molsieve.library.shards import ShardWriter
from molsieve.library.source import LibrarySource, resolve, source_names
from molsieve.library.understanding import Understanding, understand

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class IngestReport:
    """What was read."""

    rows: int
    files: int
    shards: int
    duplicate_identifiers: int
    """Rows whose identifier occurred in an earlier row of the run."""
    read_errors: dict[str, int]
    """Code of ``READ_ERRORS`` -> rows."""
    seconds: float


def ingest(
    libraries: Sequence[LibrarySource],
    records: Path,
    *,
    shard_size: int,
    first_record_id: int = 0,
    on_progress: Callable[[int], None] | None = None,
) -> IngestReport:
    """Read library files into ``records/00000.parquet`` and so on, one record for each of their rows.

    ``records/manifest.json`` is written last and says what was read and how it was understood. Shards of an earlier,
    run are removed first. On any failure nothing is left.

    Args:
        libraries: What to read, in this order.
        records: Folder to write.
        shard_size: Rows a shard.
        first_record_id: Number of the first record.
        on_progress: Called after each batch with the rows read so far.

    Raises:
        MolsieveError: A file is not there, not understood, empty or damaged, there are no rows at all, or the
            folder cannot be written.

    """
    started = time.monotonic()
    if shard_size < 1:
        raise MolsieveError(f"shard_size is {shard_size}", fix="Give a positive number of rows.")
    resolved = resolve(libraries)
    # All files are looked at before any is read: a wrong one is found in seconds.
    files = [understand(file) for file in resolved]
    names = source_names(resolved)
    existed = records.exists()
    try:
        _prepare_folder(records)
        with (
            DuplicateCounter(records) as identifiers,
            ShardWriter(records, SCHEMA, shard_size, first_record_id) as writer,
        ):
            reading = _Reading(writer, identifiers, names, first_record_id, on_progress)
            entries = [reading.read(position, file) for position, file in enumerate(files)]
            rows = reading.rows
            if not rows:
                raise MolsieveError(
                    "the libraries hold no row at all",
                    where=", ".join(names),
                    fix="Check the files with `molsieve check`.",
                )
            duplicates = identifiers.repeated()
        errors = dict(sorted(reading.errors.items()))
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "rows": rows,
            "first_record_id": first_record_id,
            "shard_size": shard_size,
            "duplicate_identifiers": duplicates,
            "read_errors": errors,
            "shards": [shard._asdict() for shard in writer.shards],
            "files": entries,
        }
        write_text(records / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    except BaseException as error:
        if not existed:
            with suppress(OSError):
                records.rmdir()
        if isinstance(error, OSError) and error.errno is not None:
            raise MolsieveError(
                f"cannot write the records: {error.strerror}",
                where=str(records),
                fix="Free disk space or choose another folder; nothing was left behind.",
            ) from error
        raise
    return IngestReport(rows, len(files), len(writer.shards), duplicates, errors, time.monotonic() - started)


class _Reading:
    """The rows of one file after the other on their way to the shards."""

    def __init__(
        self,
        writer: ShardWriter,
        identifiers: DuplicateCounter,
        names: Sequence[str],
        first_record_id: int,
        on_progress: Callable[[int], None] | None,
    ) -> None:
        self.rows = 0
        self.errors: Counter[str] = Counter()
        self._writer = writer
        self._identifiers = identifiers
        self._names = names
        self._first_record_id = first_record_id
        self._on_progress = on_progress

    def read(self, position: int, file: Understanding) -> dict[str, Any]:
        """Read one file to its end; returns its entry of the manifest."""
        rows = short = long = 0
        errors: Counter[str] = Counter()
        for batch in file.batches():
            table = records_table(
                batch,
                first_record_id=self._first_record_id + self.rows,
                first_source_row=rows + 1,
                sources=self._names,
                source=position,
                structure_format=file.structure_format,
            )
            self._writer.write(table)
            self._identifiers.add(batch.identifiers)
            rows += len(batch)
            self.rows += len(batch)
            short += batch.short_rows
            long += batch.long_rows
            errors.update(code for code, _ in batch.errors.values())
            if self._on_progress:
                self._on_progress(self.rows)
        self.errors += errors
        return {
            "source": self._names[position],
            "library": file.file.source.argument(),
            "sha256": sha256_of(file.path),
            "bytes": file.path.stat().st_size,
            "rows": rows,
            "format": file.format,
            "compression": file.compression,
            "encoding": None if file.format == "parquet" else file.notes.described(),
            "delimiter": file.delimiter,
            "title_lines": file.title_lines,
            "header": file.header,
            "columns": list(file.columns),
            "structure_column": file.structure_column,
            "id_column": file.id_column,
            "structure_format": file.structure_format,
            "rows_with_too_few_fields": short,
            "rows_with_too_many_fields": long,
            "nul_bytes": file.notes.nul_bytes,
            "read_errors": dict(sorted(errors.items())),
        }


def _prepare_folder(records: Path) -> None:
    """Make the folder and clear what an earlier run left in it, so that shards of two runs never lie side by side."""
    records.mkdir(parents=True, exist_ok=True)
    # The manifest goes first: without it the rest does not look finished.
    (records / MANIFEST).unlink(missing_ok=True)
    for pattern in ("[0-9]*.parquet", ".*.tmp"):
        for leftover in records.glob(pattern):
            leftover.unlink(missing_ok=True)
