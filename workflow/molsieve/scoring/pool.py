"""Scored compounds of the library with their properties, as much of it as fits in bounded memory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molsieve.scoring.draw import draw

# At 44 bytes a compound this is 44 MB; of a larger library so many are drawn at random.
LARGEST_POOL = 1_000_000
PROPERTIES = ("mw_da", "logp_crippen", "rotatable_bond_count", "hbd", "hba", "formal_charge", "tpsa_a2")
_SEED = 0
_EMPTY = pa.schema(
    [("record_id", pa.int64()), ("score", pa.float32()), ("is_known", pa.bool_())]
    + [(name, pa.float32()) for name in PROPERTIES]
).empty_table()


@dataclass(frozen=True)
class Pool:
    """Compounds of the library, in input order.

    Attributes:
        record_ids: Their records, [n].
        properties: Values of ``PROPERTIES``, [n, 7].
        scores: Their scores, [n].
        is_known: Whether the run itself found them to be known antibacterials, [n]; only the shortlist was looked at.
        of: Scored compounds of the whole library, from which they were drawn.

    """

    record_ids: NDArray[np.int64]
    properties: NDArray[np.float32]
    scores: NDArray[np.float32]
    is_known: NDArray[np.bool_]
    of: int

    @classmethod
    def read(cls, prepared: Path, scores: Path, *, largest: int = LARGEST_POOL) -> Self:
        """Read the pool shard by shard.

        Args:
            prepared: Folder of the library's prepared shards.
            scores: Folder of its scores, in shards of the same names.
            largest: About so many compounds are drawn when there are more; which ones follows from the record ids.

        """
        shards = sorted(scores.glob("*.parquet"))
        total = sum(pq.read_metadata(shard).num_rows for shard in shards)
        limit = np.uint64(min(1.0, largest / max(total, 1)) * float(2**64 - 2**12))
        parts = [_read(prepared / shard.name, shard, None if total <= largest else limit) for shard in shards]
        table = pa.concat_tables([_EMPTY, *parts])
        return cls(
            record_ids=table["record_id"].to_numpy(),
            properties=properties_of(table),
            scores=table["score"].to_numpy(),
            is_known=table["is_known"].to_numpy(),
            of=total,
        )

    def __len__(self) -> int:
        """Compounds of the pool."""
        return len(self.record_ids)


def _read(prepared: Path, scores: Path, limit: np.uint64 | None) -> pa.Table:
    """Compounds of a shard that belong to the pool, in the shape of ``_EMPTY``."""
    table = pq.read_table(scores, columns=["record_id", "score", "excluded_by"])
    if limit is not None:
        table = table.filter(pa.array(draw(table["record_id"].to_numpy(), _SEED) < limit))
    known = pc.is_in(table["excluded_by"].cast(pa.string()), value_set=pa.array(["known_antibacterial"]))
    beside = pq.read_table(prepared, columns=["record_id", *PROPERTIES])
    beside = beside.combine_chunks().take(
        pc.index_in(table["record_id"], value_set=beside["record_id"].combine_chunks())
    )
    columns = {"record_id": table["record_id"], "score": table["score"], "is_known": known}
    columns |= {name: beside[name].cast(pa.float32()) for name in PROPERTIES}
    return pa.table(columns, schema=_EMPTY.schema)


def properties_of(table: pa.Table) -> NDArray[np.float32]:
    """Values of ``PROPERTIES`` from a table that has them as columns, [rows, 7]."""
    return np.stack([np.asarray(table[name].to_numpy(), dtype=np.float32) for name in PROPERTIES], axis=1)
