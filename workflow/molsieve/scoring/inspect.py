"""The checks that are too dear for a whole library: alerts, known classes, novelty and entry into Gram-negatives.

Conformers cost twenty times as much as the rest, so they are made where the profile asks for shape, and of survivors:
compounds that neither a PAINS gate nor their likeness to known antibacterials stops, the best by the score of their
refined predictions and alerts, which is their final one but for the shape.
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rdkit import Chem

from molsieve.chemistry.alerts import alerts
from molsieve.chemistry.fingerprints import morgan_bits
from molsieve.chemistry.globularity import globularities
from molsieve.columns import arrow_schema
from molsieve.files import write_table
from molsieve.models.reliability import Reliability
from molsieve.results.schema import RECORD_ID, structure_columns
from molsieve.scoring.alert_penalties import alert_factor
from molsieve.scoring.classes import known_class
from molsieve.scoring.compounds import overlay, read_refined
from molsieve.scoring.dask_client import open_client
from molsieve.scoring.entry import amine, entry
from molsieve.scoring.novelty import Reference
from molsieve.scoring.profile import Profile, load_profile
from molsieve.scoring.shortlist import first_scores
from molsieve.scoring.structure_gates import structure_gates
from molsieve.scoring.training_actives import training_actives

INSPECTED = (RECORD_ID, *structure_columns())
_SCHEMA = arrow_schema(INSPECTED)
CHUNK_ROWS = 200
_CONFORMER_ROWS = 50


@dataclass(frozen=True)
class ConformerOptions:
    """Which compounds get conformers."""

    compounds: int
    """At most so many, the best first; of the survivors, unless ``known_too``."""
    known_too: bool = False
    """Whether compounds with PAINS and known antibacterials get them too; so for the controls."""
    timeout_s: float = 30.0
    """CPU seconds after which a compound is given up."""
    computed: Path | None = None
    """Globularities computed before (:func:`read_globularities`): the shipped controls are the same in every run."""


@dataclass(frozen=True)
class InspectReport:
    """How many compounds were inspected."""

    compounds: int
    with_pains: int
    of_known_class: int
    with_conformers: int
    without_conformers: int
    """Compounds that were to have conformers, but RDKit could make none, or took too long."""


def inspect(
    shortlist: Path,
    refined: Path,
    out: Path,
    *,
    reference: Path,
    model: Path,
    profile: Path,
    reliabilities: Mapping[str, Reliability],
    conformers: ConformerOptions,
    scheduler: str,
    workers: int,
) -> InspectReport:
    """Look for alerts, known classes, the nearest known antibacterial and the eNTRy rules in a shortlist.

    Args:
        shortlist: The shortlist, with the predictions and properties that the profile asks for.
        refined: Folder of its refined predictions, which replace those.
        out: Table to write (``INSPECTED``), in the order of the shortlist.
        reference: CSV of known antibacterials.
        model: Model directory; its training actives are the second reference for novelty.
        profile: Profile file; it says which compounds are known, whether PAINS is a gate, and whether shape counts.
        reliabilities: Family and calibration error of each endpoint.
        conformers: Which compounds get conformers.
        scheduler: Where Dask runs.
        workers: Workers of a local cluster.

    Raises:
        MolsieveError: The reference list, the model or the profile cannot be used, or there are no refined predictions.

    """
    wanted = load_profile(profile)
    compounds = pq.read_table(shortlist)
    compounds = overlay(compounds, read_refined(refined, compounds["record_id"], wanted.prediction_names()))
    known = Reference.load(reference)
    actives = training_actives(model, known)
    chunks = chunks_of(compounds.select(["record_id", "parent_smiles"]))
    # Conformers are the longer part, in the smaller blocks.
    useful_workers = math.ceil(compounds.num_rows / _CONFORMER_ROWS)
    # Dask hashes the buffers of a table without their offsets, so slices of one table would count as one task.
    with open_client(scheduler, min(workers, useful_workers), processes=True) as client:
        remote = client.scatter((known, actives), broadcast=True, hash=False)
        parts = client.gather(client.map(_inspect_chunk, chunks, references=remote, pure=False))
        table = pa.concat_tables(parts) if parts else _SCHEMA.empty_table()
        if not table["record_id"].equals(compounds["record_id"]):
            msg = "the inspected compounds are not those of the shortlist"
            raise RuntimeError(msg)
        chosen = _chosen(wanted, compounds, table, reliabilities, conformers)
        smiles = compounds["parent_smiles"].take(pa.array(chosen)).to_pylist()
        computed = read_globularities(conformers.computed) if conformers.computed else {}
        missing = [text for text in smiles if text not in computed]
        blocks = [missing[start : start + _CONFORMER_ROWS] for start in range(0, len(missing), _CONFORMER_ROWS)]
        found_now = client.gather(client.map(globularities, blocks, timeout_s=conformers.timeout_s, pure=False))
    computed |= dict(zip(missing, (value for block in found_now for value in block), strict=True))
    values = [computed[text] for text in smiles]
    write_table(out, _with_entry(table, chosen, smiles, values), _SCHEMA)
    found = sum(value is not None for value in values)
    return InspectReport(
        compounds=table.num_rows,
        with_pains=sum(bool(names) for names in table["pains"].to_pylist()),
        of_known_class=table.num_rows - table["antibacterial_class"].null_count,
        with_conformers=found,
        without_conformers=len(values) - found,
    )


def chunks_of(compounds: pa.Table) -> list[pa.Table]:
    """The compounds in chunks, as copies: a slice would take the whole table along to every worker."""
    starts = range(0, compounds.num_rows, CHUNK_ROWS)
    return [compounds.take(np.arange(start, min(start + CHUNK_ROWS, compounds.num_rows))) for start in starts]


def read_globularities(path: Path) -> dict[str, float | None]:
    """Globularity by parent SMILES, from a CSV of ``parent_smiles`` and ``globularity`` (empty: no conformers)."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {row["parent_smiles"]: float(row["globularity"]) if row["globularity"] else None for row in rows}


def _inspect_chunk(chunk: pa.Table, *, references: tuple[Reference, Reference]) -> pa.Table:
    known, actives = references
    rows = []
    for record_id, smiles in zip(*(chunk[name].to_pylist() for name in ("record_id", "parent_smiles")), strict=True):
        mol = Chem.MolFromSmiles(smiles)
        bits = morgan_bits(mol)
        row: dict[str, object] = {"record_id": record_id, "entry_amine": amine(mol)}
        row |= {name: list(found) for name, found in alerts(mol).items()}
        of_class = known_class(mol)
        if of_class:
            row["antibacterial_class"] = of_class.antibacterial_class
            row["antibacterial_target"] = of_class.target
            row["resistance_mechanism"] = of_class.resistance_mechanism
        row["novelty_tanimoto"], row["nearest_known"] = known.nearest(bits)
        contained = known.most_contained(bits)
        if contained:
            row["novelty_tversky"], row["nearest_known_tversky"] = contained
        if actives.names:
            row["training_active_similarity"], row["nearest_training_active"] = actives.nearest(bits)
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def _chosen(
    profile: Profile,
    compounds: pa.Table,
    checks: pa.Table,
    reliabilities: Mapping[str, Reliability],
    options: ConformerOptions,
) -> NDArray[np.int64]:
    """Rows that get conformers, ascending; none where the profile does not ask for shape."""
    if not profile.asks_for_shape:
        return np.zeros(0, dtype=np.int64)
    stopped = np.zeros(checks.num_rows, dtype=np.bool_)
    if not options.known_too:
        for _, stops in structure_gates(profile.structure, checks):
            stopped |= stops
    rows = np.flatnonzero(~stopped)
    # What the stage score will give them, as long as nobody knows their shape.
    scores = first_scores(profile, compounds, reliabilities) * alert_factor(profile.structure, checks)
    best = rows[np.argsort(-scores[rows], kind="stable")[: options.compounds]]
    return np.sort(best).astype(np.int64)


def _with_entry(table: pa.Table, rows: NDArray[np.int64], smiles: list[str], values: list[float | None]) -> pa.Table:
    """Fill in what rests on conformers, for the rows that were to have them."""
    shape: list[float | None] = [None] * table.num_rows
    met: list[int | None] = [None] * table.num_rows
    score: list[float | None] = [None] * table.num_rows
    for row, text, value in zip(rows.tolist(), smiles, values, strict=True):
        found = entry(Chem.MolFromSmiles(text), value)
        shape[row], met[row], score[row] = value, found.rules_met, found.score
    for name, column in (("globularity", shape), ("entry_rules_met", met), ("entry_score", score)):
        place = table.column_names.index(name)
        table = table.set_column(place, _SCHEMA.field(name), pa.array(column, _SCHEMA.field(name).type))
    return table
