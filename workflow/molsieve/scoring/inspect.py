"""The checks that are too dear for a whole library: structural alerts, novelty and known classes."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from rdkit import Chem

from molsieve.chemistry.alerts import alerts
from molsieve.columns import LOW_CARDINALITY, Column, arrow_schema
from molsieve.files import write_table
from molsieve.scoring.classes import antibacterial_class
from molsieve.scoring.dask_client import open_client
from molsieve.scoring.novelty import Reference

INSPECTED = (
    Column("record_id", pa.int64(), "Compound of the shortlist.", nullable=False),
    Column("pains", pa.list_(pa.string()), "PAINS alerts."),
    Column("brenk", pa.list_(pa.string()), "BRENK alerts."),
    Column("antibacterial_class", LOW_CARDINALITY, "Known antibiotic class, by substructure."),
    Column("novelty_tanimoto", pa.float32(), "Tanimoto similarity to the nearest known antibacterial."),
    Column("nearest_known", LOW_CARDINALITY, "Name of that antibacterial."),
)
_SCHEMA = arrow_schema(INSPECTED)
CHUNK_ROWS = 500


@dataclass(frozen=True)
class InspectReport:
    """How many compounds were inspected."""

    compounds: int
    with_pains: int


def inspect(shortlist: Path, out: Path, *, reference: Path, scheduler: str, workers: int) -> InspectReport:
    """Look for alerts, known classes and the nearest known antibacterial in every compound of the shortlist."""
    compounds = pq.read_table(shortlist, columns=["record_id", "parent_smiles"])
    known = Reference.load(reference)
    chunks = [compounds.slice(start, CHUNK_ROWS) for start in range(0, compounds.num_rows, CHUNK_ROWS)]
    # Dask hashes the buffers of a table without their offsets, so slices of one table would count as one task.
    with open_client(scheduler, min(workers, len(chunks)), processes=True) as client:
        remote = client.scatter(known, broadcast=True, hash=False)
        parts = client.gather(client.map(_inspect_chunk, chunks, reference=remote, pure=False))
    table = pa.concat_tables(parts) if parts else _SCHEMA.empty_table()
    if not table["record_id"].equals(compounds["record_id"]):
        msg = "the inspected compounds are not those of the shortlist"
        raise RuntimeError(msg)
    write_table(out, table, _SCHEMA)
    with_pains = sum(bool(found) for found in table["pains"].to_pylist())
    return InspectReport(compounds=table.num_rows, with_pains=with_pains)


def _inspect_chunk(chunk: pa.Table, *, reference: Reference) -> pa.Table:
    rows = []
    for record_id, smiles in zip(*(chunk[name].to_pylist() for name in ("record_id", "parent_smiles")), strict=True):
        mol = Chem.MolFromSmiles(smiles)
        found = alerts(mol)
        similarity, nearest = reference.nearest(mol)
        rows.append(
            {
                "record_id": record_id,
                "pains": list(found["pains"]),
                "brenk": list(found["brenk"]),
                "antibacterial_class": antibacterial_class(mol),
                "novelty_tanimoto": similarity,
                "nearest_known": nearest,
            }
        )
    return pa.Table.from_pylist(rows, schema=_SCHEMA)
