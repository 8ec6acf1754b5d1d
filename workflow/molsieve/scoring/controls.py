"""Spiked controls: where known antibacterials and known inactives would rank in the library."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from molsieve.columns import arrow_schema
from molsieve.errors import MolsieveError
from molsieve.files import write_table
from molsieve.models.endpoints import Endpoint
from molsieve.models.reliability import Reliability
from molsieve.results.schema import conform, controls_columns
from molsieve.scoring.compounds import read_compounds
from molsieve.scoring.profile import load_profile
from molsieve.scoring.score import score_table

NEEDED = ("name", "smiles", "kind", "antibacterial_class")


@dataclass(frozen=True)
class ControlsReport:
    """How many controls were scored, and how many failed to parse or repeat another."""

    scored: int
    failed: int


def read_controls(path: Path) -> pa.Table:
    """Controls file as a table of strings, one row a control in file order.

    Raises:
        MolsieveError: A column is missing, a kind is neither active nor inactive, or there is no row.

    """
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise MolsieveError(f"cannot read the controls: {error.strerror}", where=str(path)) from None
    if not rows or not set(NEEDED) <= rows[0].keys():
        raise MolsieveError(
            f"a controls file needs the columns {', '.join(NEEDED)} and at least one row", where=str(path)
        )
    for line, row in enumerate(rows, start=2):
        if row["kind"] not in {"active", "inactive"}:
            raise MolsieveError(
                f"{row['name']}: kind is {row['kind']!r}; it must be active or inactive", where=f"{path}, line {line}"
            )
    return pa.table({name: pa.array([row[name] or None for row in rows], pa.string()) for name in NEEDED})


def score_controls(
    work: Path,
    scores: Path,
    controls: Path,
    profile: Path,
    out: Path,
    *,
    endpoints: tuple[Endpoint, ...],
    reliabilities: Mapping[str, Reliability],
) -> ControlsReport:
    """Score the controls as the library was scored and find the rank each would have had in it.

    Args:
        work: Work folder of the controls, laid out like the library's.
        scores: Scores of the library.
        controls: The controls file; its row n is record n of the work folder.
        profile: Profile file.
        out: Table to write, in the order of the controls file.
        endpoints: Endpoints of the models.
        reliabilities: Family and calibration error of each.

    """
    wanted = load_profile(profile)
    given = read_controls(controls)
    prepared = pa.concat_tables([pq.read_table(shard) for shard in sorted((work / "prepared").glob("*.parquet"))])
    compounds = pa.concat_tables(
        [
            read_compounds(work / "prepared" / shard.name, shard, work / "refined")
            for shard in sorted((work / "triage").glob("*.parquet"))
        ]
    )
    scored = score_table(wanted, compounds, pq.read_table(work / "inspected.parquet"), reliabilities)
    scored = scored.append_column("would_rank", _would_rank(scored["score"], scores))
    table = pa.table(
        {
            "name": given["name"],
            "kind": given["kind"],
            "antibacterial_class": given["antibacterial_class"],
            "structure": given["smiles"],
        }
    )
    record_ids = prepared["record_id"]
    for part in (prepared, compounds, scored):
        positions = pc.index_in(record_ids, value_set=part["record_id"].combine_chunks())
        aligned = part.combine_chunks().take(positions)
        for name in part.column_names:
            if name not in table.column_names:
                table = table.append_column(aligned.schema.field(name), aligned[name])
    columns = controls_columns(endpoints, wanted.criteria)
    write_table(out, conform(table, columns), arrow_schema(columns))
    return ControlsReport(scored=scored.num_rows, failed=table.num_rows - scored.num_rows)


def _would_rank(control_scores: pa.ChunkedArray, scores: Path) -> pa.Array:
    """1 + the number of library compounds that score higher."""
    library = np.sort(ds.dataset(sorted(scores.glob("*.parquet"))).to_table(columns=["score"])["score"].to_numpy())
    higher = len(library) - np.searchsorted(library, control_scores.to_numpy(), side="right")
    return pa.array(higher + 1, pa.int64())
