"""The stage ``prepare``: a shard of records to parents with fingerprints and properties, one row for every record."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rdkit import Chem

from molsieve.chemistry import rdkit_log
from molsieve.chemistry.block_descriptors import Measured, describe_block, measure
from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.chemistry.fingerprints import MAX_COUNT, morgan_counts
from molsieve.chemistry.isolation import Block, Isolated
from molsieve.chemistry.standardise import RejectedStructure, StandardiseOptions, parse, standardise
from molsieve.columns import LOW_CARDINALITY, Column, arrow_schema
from molsieve.files import TableWriter

OK = "ok"
REJECTED = "rejected"

PREPARED: tuple[Column, ...] = (
    Column("record_id", pa.int64(), "Number of the record in the run, from 0, in input order", nullable=False),
    Column("status", LOW_CARDINALITY, "ok or rejected", nullable=False),
    Column("reason_code", LOW_CARDINALITY, "Why the record was rejected; null when ok"),
    Column("reason_detail", pa.string(), "What exactly was wrong with this record"),
    Column(
        "input_structure",
        pa.string(),
        "The structure as given; for an SDF record its canonical SMILES as read, or the first 200 characters of the "
        "molblock when it is not a structure",
    ),
    Column("parent_smiles", pa.string(), "Canonical isomeric SMILES of the parent"),
    Column("identity", pa.binary(16), "BLAKE2b-128 of parent_smiles: equal for duplicates"),
    Column("changes", pa.list_(pa.string()), "Standardisation steps that altered the molecule, in order"),
    Column("removed_fragments", pa.string(), "Canonical SMILES of the removed fragments, joined by dots"),
    *DESCRIPTORS,
    Column("morgan_ids", pa.list_(pa.uint32()), "Unfolded Morgan ids of the parent, radius 2, ascending"),
    Column("morgan_counts", pa.list_(pa.uint8()), "How often each of morgan_ids occurs, clipped at 255"),
)

# Small enough that redoing a block after a crash is nothing, large enough that its journey is nothing.
_BLOCK_ROWS = 512
# Blocks per write, fixed so that the file does not depend on how the blocks came in.
_BLOCKS_PER_WRITE = 16
_MOLBLOCK_EXCERPT = 200
_READ = ("record_id", "structure", "structure_format", "read_error", "read_detail")


@dataclass(frozen=True)
class PrepareReport:
    """Rows written, those with a parent, and the rejected by reason code."""

    rows: int
    ok: int
    rejected: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


class _Record(NamedTuple):
    record_id: int
    structure: str | None
    structure_format: str | None
    read_error: str | None
    read_detail: str | None


class _Row(NamedTuple):
    """One row of the prepared table, fingerprint aside."""

    record_id: int
    status: str
    reason_code: str | None
    reason_detail: str | None
    input_structure: str | None
    parent_smiles: str | None
    identity: bytes | None
    changes: tuple[str, ...]
    removed_fragments: str | None
    measured: Measured | None
    morgan: dict[int, int]


@dataclass(frozen=True)
class PrepareJob:
    """What a worker process does with a block of records (an ``isolation.BlockJob``)."""

    options: StandardiseOptions

    def start(self) -> None:
        """RDKit's messages become reason details, and Arrow leaves the other cores alone."""
        rdkit_log.capture()
        pa.set_cpu_count(1)

    def records(self, block: bytes) -> list[_Record]:
        """Read the records of an Arrow IPC stream."""
        table = pa.ipc.open_stream(block).read_all()
        return [_Record(*values) for values in zip(*(table[name].to_pylist() for name in _READ), strict=True)]

    def process(self, record: _Record) -> _Row:
        """Standardise, describe and fingerprint one record."""
        if record.read_error is not None:
            return self.failed(record, record.read_error, record.read_detail or "")
        text, text_format = record.structure or "", record.structure_format or "smiles"
        mol = None
        try:
            mol = parse(text, text_format, self.options.max_characters)
            parent, smiles, changes, removed = standardise(mol, self.options)
            measured = measure(parent, smiles)
            morgan = morgan_counts(parent)
        except RejectedStructure as rejected:
            return _rejected(record, rejected.reason_code, rejected.detail, mol)
        except (RuntimeError, ValueError) as error:  # RDKit's invariants and sanitisation errors
            return _rejected(record, "rdkit_error", _first_line(error), mol)
        as_given = text if text_format != "molblock" else Chem.MolToSmiles(mol) if changes else smiles
        identity = blake2b(smiles.encode(), digest_size=16).digest()
        return _Row(record.record_id, OK, None, None, as_given, smiles, identity, changes, removed, measured, morgan)

    def failed(self, record: _Record, reason_code: str, detail: str) -> _Row:
        """Give the row of a record that cannot be worked on."""
        return _rejected(record, reason_code, detail, None)

    def pack(self, results: list[_Row]) -> bytes:
        """Write rows as an Arrow IPC stream of ``PREPARED`` (low-cardinality columns still plain strings)."""
        columns = list(zip(*results, strict=True)) if results else [()] * len(_Row._fields)
        *plain, changes, removed, measured, morgan = columns
        clipped = (min(count, MAX_COUNT) for count in chain.from_iterable(counts.values() for counts in morgan))
        arrays = [
            *(pa.array(values, type=kind) for values, kind in zip(plain, _PACKED.types[: len(plain)], strict=True)),
            _list_array(changes, pa.array(list(chain.from_iterable(changes)), type=pa.string())),
            pa.array(removed, type=pa.string()),
            *describe_block(measured),
            _list_array(morgan, pa.array(np.fromiter(chain.from_iterable(morgan), dtype=np.uint32))),
            _list_array(morgan, pa.array(np.fromiter(clipped, dtype=np.uint8))),
        ]
        return _ipc(pa.RecordBatch.from_arrays(arrays, schema=_PACKED))


_SCHEMA = arrow_schema(PREPARED)
_PACKED = pa.schema([pa.field(f.name, pa.string() if f.type == LOW_CARDINALITY else f.type) for f in _SCHEMA])


def prepare(
    records: Path, prepared: Path, *, options: StandardiseOptions, timeout_s: float, workers: int
) -> PrepareReport:
    """Write the prepared table of a shard: one row for every record, in the same order.

    The table does not depend on ``workers``. A structure that hangs or kills RDKit costs its own row only (see
    ``isolation``). Memory does not grow with the shard.

    Args:
        records: Records table to read.
        prepared: Table to write, atomically.
        options: What is accepted and how it is standardised.
        timeout_s: CPU seconds after which a structure is given up.
        workers: Worker processes.

    """
    started = time.monotonic()
    statuses: Counter[str | None] = Counter()
    with (
        closing(pq.ParquetFile(records)) as source,
        TableWriter(prepared, _SCHEMA) as writer,
        Isolated(PrepareJob(options), workers=workers, timeout_s=timeout_s) as isolated,
    ):
        group: list[pa.Table] = []
        for packed in isolated.results(_blocks(source)):
            group.extend(pa.ipc.open_stream(piece).read_all() for piece in packed)
            if sum(table.num_rows for table in group) >= _BLOCK_ROWS * _BLOCKS_PER_WRITE:
                _write(writer, group, statuses)
        if group:
            _write(writer, group, statuses)
    ok = statuses.pop(None, 0)
    rejected = {str(code): count for code, count in sorted(statuses.items(), key=str)}
    return PrepareReport(ok + sum(rejected.values()), ok, rejected, time.monotonic() - started)


def _blocks(source: pq.ParquetFile) -> Iterator[Block]:
    for batch in source.iter_batches(batch_size=_BLOCK_ROWS, columns=list(_READ), use_threads=False):
        yield Block(_ipc(batch), batch.num_rows)


def _write(writer: TableWriter, group: list[pa.Table], statuses: Counter[str | None]) -> None:
    """Write the collected pieces as one chunk, whatever pieces they came in, and empty the group."""
    table = pa.concat_tables(group).combine_chunks()
    for entry in pc.value_counts(table["reason_code"].combine_chunks()).to_pylist():
        statuses[entry["values"]] += entry["counts"]
    writer.write(table)
    group.clear()


def _rejected(record: _Record, reason_code: str, detail: str, mol: Chem.Mol | None) -> _Row:
    as_given = record.structure
    if record.structure_format == "molblock" and as_given is not None:
        as_given = Chem.MolToSmiles(mol) if mol is not None else as_given[:_MOLBLOCK_EXCERPT]
    return _Row(record.record_id, REJECTED, reason_code, detail or None, as_given, None, None, (), None, None, {})


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__


def _list_array(rows: tuple[object, ...], values: pa.Array) -> pa.ListArray:
    offsets = np.zeros(len(rows) + 1, dtype=np.int32)
    np.cumsum([len(row) for row in rows], out=offsets[1:])  # type: ignore[arg-type]
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _ipc(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed
