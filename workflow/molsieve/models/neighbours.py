"""The nearest training molecule of the compounds that matter: too dear for a library, cheap for a shortlist."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from rdkit import Chem

from molsieve.chemistry.fingerprints import FOLDED_BITS, sparse_morgan
from molsieve.columns import Column, arrow_schema
from molsieve.files import write_table
from molsieve.models.store import connectivity_hash, load_triage_model
from molsieve.results.schema import RECORD_ID, predictions_columns

NEIGHBOURS: tuple[Column, ...] = (
    RECORD_ID,
    *(c for c in predictions_columns(()) if c.name == "nn_similarity"),
    Column("in_training", pa.bool_(), "Whether a training molecule of any endpoint has the same connectivity"),
)

# The first block of an InChIKey.
CONNECTIVITY_CHARACTERS = 14

_QUERY_ROWS = 512
_TRAINING_ROWS = 8192


@dataclass(frozen=True)
class NeighboursReport:
    """How many compounds were looked up, and how many have a training molecule at Tanimoto 0.4 or more."""

    rows: int
    near: int


@dataclass(frozen=True)
class FoldedBits:
    """Set bits of folded fingerprints, one molecule after the other."""

    bits: NDArray[np.uint16]
    offsets: NDArray[np.int32]

    @property
    def molecules(self) -> int:
        """Number of molecules."""
        return len(self.offsets) - 1

    @classmethod
    def of(cls, fingerprints: list[NDArray[np.uint32]]) -> "FoldedBits":
        """Fold the Morgan ids of each molecule; the same bits as ``chemistry.fingerprints.morgan_bits``."""
        folded = [np.unique(ids % FOLDED_BITS).astype(np.uint16) for ids in fingerprints]
        offsets = np.cumsum([0, *(len(bits) for bits in folded)]).astype(np.int32)
        return cls(np.concatenate([*folded, np.empty(0, np.uint16)]), offsets)

    def dense(self, start: int, stop: int) -> torch.Tensor:
        """Fingerprints as rows of zeros and ones, float32, [stop - start, 2048]."""
        lengths = np.diff(self.offsets[start : stop + 1])
        matrix = np.zeros((stop - start, FOLDED_BITS), dtype=np.float32)
        matrix[np.repeat(np.arange(stop - start), lengths), self.bits[self.offsets[start] : self.offsets[stop]]] = 1.0
        return torch.from_numpy(matrix)


def nearest_similarity(queries: FoldedBits, training: FoldedBits) -> NDArray[np.float32]:
    """Largest Tanimoto similarity of each query to any training molecule; 0 when there are none.

    Intersections are one matrix product in float32, exact for counts this small; memory is bounded by the blocks.
    """
    best = torch.zeros(queries.molecules)
    sizes = torch.from_numpy(np.diff(queries.offsets).astype(np.float32))
    for first in range(0, training.molecules, _TRAINING_ROWS):
        last = min(first + _TRAINING_ROWS, training.molecules)
        block = training.dense(first, last)
        block_sizes = block.sum(dim=1)
        transposed = block.T.contiguous()
        for start in range(0, queries.molecules, _QUERY_ROWS):
            stop = min(start + _QUERY_ROWS, queries.molecules)
            shared = queries.dense(start, stop) @ transposed
            union = sizes[start:stop, None] + block_sizes[None, :] - shared
            similarity = (shared / union.clamp(min=1.0)).max(dim=1).values
            best[start:stop] = torch.maximum(best[start:stop], similarity)
    nearest: NDArray[np.float32] = best.numpy()
    return nearest


def neighbours(shortlist: Path, model_dir: Path, out: Path, *, threads: int) -> NeighboursReport:
    """Write the similarity of each compound to its nearest training molecule of the activity endpoints.

    Also whether the compound itself, stereochemistry aside, is a training molecule of any endpoint.

    Args:
        shortlist: Table with ``record_id`` and ``parent_smiles``.
        model_dir: Model directory.
        out: Table to write (``NEIGHBOURS``).
        threads: CPU threads.

    """
    torch.set_num_threads(threads)
    record = load_triage_model(model_dir).record
    table = pq.read_table(shortlist, columns=["record_id", "parent_smiles"])
    mols = [Chem.MolFromSmiles(smiles) for smiles in table["parent_smiles"].to_pylist()]
    queries = FoldedBits.of([sparse_morgan(mol)[0] for mol in mols])
    hashes = [connectivity_hash(Chem.MolToInchiKey(mol)[:CONNECTIVITY_CHARACTERS]) for mol in mols]  # type: ignore[no-untyped-call]
    in_training = np.isin(np.array(hashes, dtype=np.uint64), record.connectivity_hashes)
    similarity = nearest_similarity(queries, FoldedBits(record.activity_bits, record.activity_offsets))
    schema = arrow_schema(NEIGHBOURS)
    write_table(out, pa.table([table["record_id"], similarity, in_training], schema=schema), schema)
    return NeighboursReport(rows=table.num_rows, near=int((similarity >= 0.4).sum()))
