"""Spiked controls: where known antibacterials and known inactives would rank in the library, and what follows."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molsieve.columns import arrow_schema
from molsieve.errors import MolsieveError
from molsieve.files import write_table, write_text
from molsieve.models.endpoints import Endpoint
from molsieve.models.reliability import Reliability
from molsieve.results.schema import conform, controls_columns, decoys_columns
from molsieve.scoring import decoys as matching
from molsieve.scoring.baseline import property_scores
from molsieve.scoring.compounds import read_compounds
from molsieve.scoring.decoys import Decoys, find_decoys, imbalance
from molsieve.scoring.judgement import NOT_ASKED, Actives, DecoyFacts, Judgement, judge, unseen_first
from molsieve.scoring.pool import Pool, properties_of
from molsieve.scoring.profile import load_profile
from molsieve.scoring.score import score_table

NEEDED = ("name", "smiles", "kind", "antibacterial_class")


@dataclass(frozen=True)
class ControlsReport:
    """How many controls were scored, how many failed to parse or repeat another, their decoys, and the verdict."""

    scored: int
    failed: int
    decoys: int
    verdict: str


def read_controls(path: Path) -> pa.Table:
    """Controls file as a table of strings, one row a control in file order.

    Raises:
        MolsieveError: It is no text, a column is missing, a kind is neither active nor inactive, a name is missing or
            there twice (decoys go by it), or there is no row.

    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise MolsieveError(f"cannot read the controls: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise MolsieveError("is not a text file", where=str(path), fix="Save it as CSV in UTF-8.") from None
    if not rows or not set(NEEDED) <= rows[0].keys():
        raise MolsieveError(
            f"a controls file needs the columns {', '.join(NEEDED)} and at least one row", where=str(path)
        )
    lines_of: dict[str, int] = {}
    for line, row in enumerate(rows, start=2):
        if not row["name"]:
            raise MolsieveError("a control has no name", where=f"{path}, line {line}")
        if (first := lines_of.setdefault(row["name"], line)) != line:
            raise MolsieveError(f"{row['name']} is in line {first} already", where=f"{path}, line {line}")
        if row["kind"] not in {"active", "inactive"}:
            raise MolsieveError(
                f"{row['name']}: kind is {row['kind']!r}; it must be active or inactive", where=f"{path}, line {line}"
            )
    return pa.table({name: pa.array([row[name] or None for row in rows], pa.string()) for name in NEEDED})


def score_controls(
    work: Path,
    library: Path,
    scores: Path,
    controls: Path,
    profile: Path,
    out: Path,
    *,
    decoys: Path,
    judgement: Path,
    endpoints: tuple[Endpoint, ...],
    reliabilities: Mapping[str, Reliability],
) -> ControlsReport:
    """Score the controls as the library was scored, and judge the ranking by where they would have come in it.

    Args:
        work: Work folder of the controls, laid out like the library's.
        library: Work folder of the library.
        scores: Scores of the library.
        controls: The controls file; its row n is record n of the work folder.
        profile: Profile file.
        out: Table to write, in the order of the controls file.
        decoys: Table of decoys to write, in the order of the library.
        judgement: JSON file to write: figures and verdict.
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
    library_scores = ds.dataset(sorted(scores.glob("*.parquet"))).to_table(columns=["score"])["score"].to_numpy()
    scored = scored.append_column("would_rank", _would_rank(scored["score"], library_scores))
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
    if wanted.controls == "antibacterial":
        found, verdict = _judged(table, library, scores, library_scores)
    else:
        found, verdict = arrow_schema(decoys_columns()).empty_table(), NOT_ASKED
    write_table(decoys, conform(found, decoys_columns()), arrow_schema(decoys_columns()))
    write_text(judgement, json.dumps(verdict.as_json(), indent=1) + "\n")
    return ControlsReport(
        scored=scored.num_rows,
        failed=table.num_rows - scored.num_rows,
        decoys=found.num_rows,
        verdict=verdict.verdict,
    )


def _would_rank(control_scores: pa.ChunkedArray, library_scores: NDArray[np.float32]) -> pa.Array:
    """1 + the number of library compounds that score higher."""
    ordered = np.sort(library_scores)
    higher = len(ordered) - np.searchsorted(ordered, control_scores.to_numpy(), side="right")
    return pa.array(higher + 1, pa.int64())


def _judged(
    controls: pa.Table, library: Path, scores: Path, library_scores: NDArray[np.float32]
) -> tuple[pa.Table, Judgement]:
    """Decoys of the active controls, and the verdict on the run."""
    scored = controls.filter(pc.is_valid(controls["score"]))
    is_active = pc.equal(scored["kind"].cast(pa.string()), "active")
    active, inactive = scored.filter(is_active), scored.filter(pc.invert(is_active))
    # Unknown counts as seen: what may have been memorised proves nothing.
    unseen = np.array([seen is False for seen in active["in_training"].to_pylist()], dtype=bool)
    order = unseen_first(unseen.tolist())
    active, unseen = active.take(pa.array(order, pa.int64())), unseen[order]
    sought = matching.Actives(active["name"].to_pylist(), active["parent_smiles"].to_pylist(), properties_of(active))
    pool = Pool.read(library / "prepared", scores)
    found = find_decoys(sought, pool, lambda records: _smiles(library / "prepared", records))
    by_properties = property_scores(sought.properties, pool.properties)
    similarity = active.filter(pa.array(unseen, pa.bool_()))["nn_similarity"].drop_null().to_numpy()
    verdict = judge(
        Actives(
            active["score"].to_numpy(),
            unseen,
            pool.scores[found.positions],
            found.matched_to,
            None if by_properties is None else (*by_properties, by_properties[1][found.positions]),
        ),
        inactive["score"].to_numpy(),
        library_scores,
        decoys=_facts(sought, pool, found, library / "refined") if len(sought.names) else None,
        near=float(np.median(similarity)) if len(similarity) else None,
    )
    return found.table(pool, sought), verdict


def _facts(actives: matching.Actives, pool: Pool, found: Decoys, refined: Path) -> DecoyFacts:
    """How well the decoys are matched; the properties are measured in standard deviations of the library."""
    counts = np.bincount(found.matched_to, minlength=len(actives.names))
    served = counts > 0
    spread = pool.properties.std(axis=0, dtype=np.float64)
    before = imbalance(actives.properties, pool.properties, np.ones(len(pool)), spread) if len(pool) else 0.0
    after = None
    if served.any():
        decoys = pool.properties[found.positions]
        after = imbalance(actives.properties[served], decoys, 1 / counts[found.matched_to], spread)
    files = sorted(refined.glob("*.parquet"))
    records = ds.dataset(files).to_table(columns=["record_id"])["record_id"].to_numpy() if files else []
    return DecoyFacts(
        actives=len(actives.names),
        matched=int(served.sum()),
        decoys=len(found.positions),
        wanted=matching.PER_ACTIVE,
        max_similarity=matching.MAX_SIMILARITY,
        imbalance_before=before,
        imbalance_after=after,
        refined=int(np.isin(pool.record_ids[found.positions], records).sum()),
    )


def _smiles(prepared: Path, records: NDArray[np.int64]) -> list[str]:
    """Standardised parents of these records, in their order."""
    wanted = pa.array(records)
    parts = [
        pq.read_table(shard, columns=["record_id", "parent_smiles"], filters=pc.field("record_id").isin(wanted))
        for shard in sorted(prepared.glob("*.parquet"))
    ]
    if not parts:
        return []
    table = pa.concat_tables(parts).combine_chunks()
    at = pc.index_in(wanted, value_set=table["record_id"].combine_chunks())
    smiles: list[str] = table["parent_smiles"].cast(pa.string()).take(at).to_pylist()
    return smiles
