"""The first occurrence of every structure over the whole library."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from molsieve.columns import Column, arrow_schema
from molsieve.errors import MolsieveError
from molsieve.files import write_table

DUPLICATES = (
    Column("record_id", pa.int64(), "Record whose parent structure occurred before.", nullable=False),
    Column("duplicate_of", pa.int64(), "First record with the same parent structure.", nullable=False),
)


@dataclass(frozen=True)
class DeduplicateReport:
    """Counts over the whole library."""

    rows: int
    ok: int
    rejected: int
    duplicates: int


def deduplicate(
    prepared: Path, duplicates: Path, *, scheduler: str, workers: int, max_rejected_fraction: float
) -> DeduplicateReport:
    """Write the records whose parent structure occurred before, each with the record that came first.

    The identity of a structure is a 128-bit hash of its canonical parent SMILES. Memory is bounded by the partition
    size: rows are shuffled by hash, so equal structures meet in one partition.

    Args:
        prepared: Folder of prepared shards.
        duplicates: Table to write, sorted by ``record_id``.
        scheduler: Where Dask runs; see ``dask_client.open_client``.
        workers: Workers of a local cluster.
        max_rejected_fraction: Largest share of rejected rows that a sensible library has.

    Raises:
        MolsieveError: More rows were rejected than ``max_rejected_fraction`` allows, or all of them.

    """
    shards = sorted(prepared.glob("*.parquet"))
    rows, rejected, reasons = _count_rejected(shards)
    _refuse_wrong_column(rows, rejected, reasons, max_rejected_fraction)
    found = _repeats(_identities(shards[0])) if len(shards) == 1 else _repeats_over(shards, scheduler, workers)
    found = found.sort_values("record_id")
    schema = arrow_schema(DUPLICATES)
    write_table(duplicates, pa.Table.from_pandas(found, schema=schema, preserve_index=False), schema)
    return DeduplicateReport(rows=rows, ok=rows - rejected - len(found), rejected=rejected, duplicates=len(found))


def _repeats_over(shards: list[Path], scheduler: str, workers: int) -> pd.DataFrame:
    """Repeats over many shards; a single one does without Dask, which takes longer to start than the work takes."""
    import dask
    import dask.dataframe as dd

    from molsieve.scoring.dask_client import open_client

    with open_client(scheduler, workers), dask.config.set({"dataframe.shuffle.method": "p2p"}):
        frame = dd.from_map(_identities, shards, meta=_identities_meta())
        frame = frame.shuffle(on="identity_high", npartitions=len(shards))
        found: pd.DataFrame = frame.map_partitions(_repeats, meta=_repeats_meta()).compute()
    return found


def _identities(shard: Path) -> pd.DataFrame:
    table = pq.read_table(shard, columns=["record_id", "identity"], filters=pc.field("identity").is_valid())
    identity = table["identity"].combine_chunks()
    halves = np.frombuffer(identity.buffers()[1], dtype="<u8").reshape(-1, 2)
    halves = halves[identity.offset : identity.offset + len(identity)]
    return pd.DataFrame(
        {"record_id": table["record_id"].to_numpy(), "identity_high": halves[:, 0], "identity_low": halves[:, 1]}
    )


def _identities_meta() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "record_id": np.array([], dtype=np.int64),
            "identity_high": np.array([], dtype=np.uint64),
            "identity_low": np.array([], dtype=np.uint64),
        }
    )


def _repeats(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.sort_values("record_id")
    identity = ["identity_high", "identity_low"]
    repeated = frame[frame.duplicated(identity, keep=False)]
    first = repeated.groupby(identity)["record_id"].transform("min")
    later = repeated["record_id"] != first
    return pd.DataFrame({"record_id": repeated["record_id"][later], "duplicate_of": first[later]})


def _repeats_meta() -> pd.DataFrame:
    return pd.DataFrame({name: np.array([], dtype=np.int64) for name in ("record_id", "duplicate_of")})


def _count_rejected(shards: list[Path]) -> tuple[int, int, dict[str, int]]:
    rows, reasons = 0, dict[str, int]()
    for shard in shards:
        table = pq.read_table(shard, columns=["status", "reason_code"])
        rows += table.num_rows
        rejected = table.filter(pc.equal(table["status"], "rejected"))
        for counted in rejected["reason_code"].value_counts().to_pylist():
            reasons[counted["values"]] = reasons.get(counted["values"], 0) + counted["counts"]
    return rows, sum(reasons.values()), reasons


def _refuse_wrong_column(rows: int, rejected: int, reasons: dict[str, int], limit: float) -> None:
    if rows == 0 or (rejected < rows and rejected <= limit * rows):
        return
    listed = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items(), key=lambda item: -item[1]))
    raise MolsieveError(
        f"{rejected} of {rows} rows were rejected ({listed}); "
        f"more than prepare.max_rejected_fraction = {limit:g} allows",
        fix=(
            "The structures were probably read from the wrong column: `molsieve check LIBRARY` shows what was "
            "understood, and LIBRARY::structure_column=NAME names the right one. If the library "
            "really is like this, raise the limit."
        ),
    )
