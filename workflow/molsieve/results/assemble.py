"""Parts of the published tables, put together from a shard of the work folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.columns import Column
from molsieve.errors import MolsieveError
from molsieve.results.inchikeys import inchikey
from molsieve.results.schema import compounds_columns, conform
from molsieve.scoring.compounds import read_predictions

_FROM_RECORDS = ("record_id", "source", "source_row", "compound_id")
_FROM_PREPARED = (
    "record_id",
    "status",
    "reason_code",
    "reason_detail",
    "input_structure",
    "parent_smiles",
    "changes",
    "removed_fragments",
    *(column.name for column in DESCRIPTORS),
)


@dataclass(frozen=True)
class WorkFolder:
    """Where the stages of a run left their tables."""

    root: Path

    @property
    def shards(self) -> list[str]:
        """Numbers of the library's shards, in input order."""
        return sorted(path.stem for path in (self.root / "library" / "records").glob("*.parquet"))

    def records(self, shard: str) -> Path:
        """Table of the records as read."""
        return self.root / "library" / "records" / f"{shard}.parquet"

    def prepared(self, shard: str) -> Path:
        """Standardised records."""
        return self.root / "library" / "prepared" / f"{shard}.parquet"

    def triage(self, shard: str) -> Path:
        """Predictions."""
        return self.root / "library" / "triage" / f"{shard}.parquet"

    def scores(self, shard: str) -> Path:
        """Scores."""
        return self.root / "scores" / f"{shard}.parquet"

    @property
    def duplicates(self) -> Path:
        """Records whose parent occurred before."""
        return self.root / "library" / "duplicates.parquet"

    @property
    def shortlist(self) -> Path:
        """Compounds that got the costly checks, with their first score."""
        return self.root / "library" / "shortlist.parquet"

    @property
    def refined(self) -> Path:
        """Folder of the refined predictions of the shortlist."""
        return self.root / "library" / "refined"

    @property
    def hits(self) -> Path:
        """Selected hits."""
        return self.root / "hits.parquet"

    @property
    def passed_over(self) -> Path:
        """Eligible compounds that better hits kept out."""
        return self.root / "passed_over.parquet"

    @property
    def controls(self) -> Path:
        """Spiked controls; absent when the run has none."""
        return self.root / "controls.parquet"

    @property
    def decoys(self) -> Path:
        """Decoys matched to the active controls; absent when the run has no controls."""
        return self.root / "decoys.parquet"

    @property
    def judgement(self) -> Path:
        """What the controls say about the run, as JSON; absent when the run has none."""
        return self.root / "judgement.json"

    @property
    def summaries(self) -> Path:
        """Reports of the stages, as JSON."""
        return self.root / "summary"


@dataclass(frozen=True)
class Lookup:
    """Values for some records, found by binary search; 16 bytes an entry, so it fits for a whole library."""

    record_ids: NDArray[np.int64]
    values: pa.Array

    @classmethod
    def read(cls, path: Path, column: str) -> Self:
        """Read a table with ``record_id`` and a column of values."""
        table = pq.read_table(path, columns=["record_id", column]).sort_by("record_id")
        return cls(table["record_id"].to_numpy(), table[column].combine_chunks())

    def of(self, record_ids: NDArray[np.int64]) -> pa.Array:
        """Values of these records, null where there is none."""
        if not len(self.record_ids):
            return pa.nulls(len(record_ids), self.values.type)
        at = np.minimum(np.searchsorted(self.record_ids, record_ids), len(self.record_ids) - 1)
        return self.values.take(pa.array(at, mask=self.record_ids[at] != record_ids))


def compounds_part(
    work: WorkFolder, shard: str, duplicates: Lookup, hit_keys: Mapping[int, str | None], *, all_keys: bool
) -> pa.Table:
    """Part of ``compounds``: every record of the shard, with its fate.

    Args:
        work: Work folder of the run.
        shard: Number of the shard.
        duplicates: ``duplicate_of`` of the duplicates of the whole library.
        hit_keys: InChIKey of each hit, by record.
        all_keys: Whether every ok compound gets an InChIKey.

    Raises:
        MolsieveError: Records and prepared records are not the same rows.

    """
    records = pq.read_table(work.records(shard), columns=list(_FROM_RECORDS))
    prepared = pq.read_table(work.prepared(shard), columns=list(_FROM_PREPARED))
    if not records["record_id"].equals(prepared["record_id"]):
        raise MolsieveError(
            f"shard {shard}: the prepared records are not the records that were read",
            where=str(work.prepared(shard)),
            fix="Delete that file and run again; what depends on it is redone.",
        )
    record_ids = records["record_id"].to_numpy()
    duplicate_of = duplicates.of(record_ids)
    is_duplicate = duplicate_of.is_valid()
    table = records
    for name in prepared.column_names[1:]:
        table = table.append_column(name, prepared[name])
    changed = {
        "status": pc.if_else(is_duplicate, "duplicate", _text(table["status"])),
        "reason_code": pc.if_else(is_duplicate, "duplicate", _text(table["reason_code"])),
        "reason_detail": pc.if_else(
            is_duplicate,
            pc.binary_join_element_wise("same parent as record", duplicate_of.cast(pa.string()), " "),
            _text(table["reason_detail"]),
        ),
    }
    for name, values in changed.items():
        table = table.set_column(table.column_names.index(name), name, values)
    table = table.append_column("duplicate_of", duplicate_of)
    wanted = pc.equal(table["status"], "ok").to_numpy() if all_keys else np.zeros(len(record_ids), dtype=bool)
    keys = [
        hit_keys[record_id] if record_id in hit_keys else inchikey(parent) if want else None
        for record_id, parent, want in zip(
            record_ids.tolist(), table["parent_smiles"].to_pylist(), wanted.tolist(), strict=True
        )
    ]
    table = table.append_column("inchikey", pa.array(keys, pa.string()))
    return conform(table, compounds_columns())


def predictions_part(work: WorkFolder, shard: str, columns: Sequence[Column]) -> pa.Table:
    """Part of ``predictions``: of each compound of a shard the refined predictions, or else those of triage."""
    return conformed(read_predictions(work.triage(shard), work.refined), columns, work.triage(shard))


def conformed(table: pa.Table, columns: Sequence[Column], path: Path) -> pa.Table:
    """Table in the shape of the contract.

    Args:
        table: A table of the work folder.
        columns: The columns of the contract.
        path: Where the table was read from.

    Raises:
        MolsieveError: A column is missing or of another type: the file is of another run or version.

    """
    missing = [c.name for c in columns if c.name not in table.column_names]
    what = f"columns are missing: {', '.join(missing[:5])}" if missing else ""
    if not missing:
        try:
            return conform(table, columns)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            what = str(error)
    raise MolsieveError(
        f"a table of the work folder does not fit this run: {what}",
        where=str(path),
        fix="It was made with other models, another profile or another version. Delete it and run again.",
    )


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())
