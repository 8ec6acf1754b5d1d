"""The hits: best first, different from each other, each with its reasons."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from molsieve.columns import LOW_CARDINALITY, Column, arrow_schema
from molsieve.files import write_table
from molsieve.models.endpoints import Endpoint
from molsieve.results.inchikeys import inchikey
from molsieve.results.schema import conform, hits_columns
from molsieve.scoring.compounds import overlay
from molsieve.scoring.diversity import DiversityOptions, Kept, SphereExclusion
from molsieve.scoring.profile import Profile, load_profile
from molsieve.scoring.reasons import reasons, typical_contributions

PASSED_OVER = (
    Column("record_id", pa.int64(), "Eligible compound that did not become a hit.", nullable=False),
    Column("cause", LOW_CARDINALITY, "too_similar or scaffold_cap.", nullable=False),
    Column("blocked_by", pa.int64(), "record_id of the better hit in its way.", nullable=False),
    Column("similarity", pa.float32(), "Tanimoto similarity to that hit.", nullable=False),
)


@dataclass(frozen=True)
class SelectReport:
    """How the hits came about."""

    eligible: int
    hits: int
    too_similar: int
    over_scaffold_cap: int
    not_reached: int
    """Eligible compounds that were not looked at, because there were hits enough."""
    scaffolds: int
    """Distinct Murcko scaffolds among the hits; acyclic hits have none."""
    clusters: int
    """Clusters of similar hits."""


@dataclass(frozen=True)
class SelectOptions:
    """How many hits, and how different they have to be."""

    hits: int = 100
    diversity: DiversityOptions = field(default_factory=DiversityOptions)


def select(
    library: Path,
    scores: Path,
    profile: Path,
    out: Path,
    passed_over: Path,
    *,
    endpoints: Sequence[Endpoint],
    options: SelectOptions,
) -> SelectReport:
    """Walk down the ranking and keep compounds that differ from those already kept (:mod:`~.diversity`).

    An empty result is valid.

    Args:
        library: Work folder of the library, with ``records``, ``prepared``, ``triage`` and ``refined``.
        scores: Folder of scores.
        profile: Profile file.
        out: Hits table to write.
        passed_over: Table of the compounds that better hits stood in the way of, to write (``PASSED_OVER``).
        endpoints: Endpoints of the models; those of the profile become columns.
        options: How many and how different.

    """
    wanted = load_profile(profile)
    eligible = _eligible(scores)
    smiles = _lookup(library / "prepared", eligible["record_id"], ["parent_smiles"])["parent_smiles"].to_pylist()
    walk = SphereExclusion(options.diversity)
    considered = 0
    for position, parent in enumerate(smiles):
        if len(walk.kept) == options.hits:
            break
        walk.consider(position, parent)
        considered += 1
    table = eligible.take(pa.array([kept.position for kept in walk.kept], pa.int64()))
    keys = table["record_id"]
    for shards in ("records", "prepared"):
        table = _beside(table, _lookup(library / shards, keys))
    table = _beside(table, overlay(_lookup(library / "triage", keys), _lookup(library / "refined", keys)))
    shown = [endpoint for endpoint in endpoints if endpoint.name in wanted.endpoint_names()]
    columns = hits_columns(shown)
    table = _beside(_selection(walk, wanted, table, typical_contributions(wanted, eligible)), table)
    write_table(out, conform(table, columns), arrow_schema(columns))
    write_table(passed_over, _passed_over(walk, eligible["record_id"]), arrow_schema(PASSED_OVER))
    causes = Counter(passed.cause for passed in walk.passed_over)
    return SelectReport(
        eligible=eligible.num_rows,
        hits=len(walk.kept),
        too_similar=causes["too_similar"],
        over_scaffold_cap=causes["scaffold_cap"],
        not_reached=eligible.num_rows - considered,
        scaffolds=walk.scaffolds,
        clusters=walk.clusters,
    )


def _selection(walk: SphereExclusion, profile: Profile, table: pa.Table, typical: Mapping[str, float]) -> pa.Table:
    kept: Sequence[Kept] = walk.kept
    blocked = Counter(passed.blocked_by for passed in walk.passed_over)
    return pa.table(
        {
            "record_id": table["record_id"],
            "hit": pa.array(range(1, len(kept) + 1), pa.int32()),
            "inchikey": pa.array([inchikey(k.parent_smiles) for k in kept], pa.string()),
            "scaffold": pa.array([k.scaffold for k in kept], pa.string()),
            "cluster": pa.array([k.cluster for k in kept], pa.int32()),
            "cluster_leader": pa.array([k.leader + 1 for k in kept], pa.int32()),
            "cluster_similarity": pa.array([k.leader_similarity for k in kept], pa.float32()),
            "passed_over": pa.array([blocked[index] for index in range(len(kept))], pa.int32()),
            "reasons": pa.array([reasons(profile, row, typical) for row in table.to_pylist()], pa.string()),
            "library_properties": table["properties"],
        }
    )


def _passed_over(walk: SphereExclusion, record_ids: pa.ChunkedArray) -> pa.Table:
    """Who was passed over for whom, in the order of the ranking."""
    positions = [passed.position for passed in walk.passed_over]
    blockers = [walk.kept[passed.blocked_by].position for passed in walk.passed_over]
    return pa.table(
        {
            "record_id": record_ids.take(pa.array(positions, pa.int64())),
            "cause": pa.array([passed.cause for passed in walk.passed_over], LOW_CARDINALITY),
            "blocked_by": record_ids.take(pa.array(blockers, pa.int64())),
            "similarity": pa.array([passed.similarity for passed in walk.passed_over], pa.float32()),
        }
    )


def _eligible(scores: Path) -> pa.Table:
    dataset = ds.dataset(sorted(scores.glob("*.parquet")))
    # They are few: one column is read of everything, the others only where there are any.
    eligible = dataset.to_table(columns=["record_id"], filter=pc.field("excluded_by").is_null())["record_id"]
    table = dataset.to_table(filter=pc.field("record_id").isin(eligible.combine_chunks()))
    return table.sort_by([("rank", "ascending"), ("record_id", "ascending")])


def _lookup(shards: Path, record_ids: pa.ChunkedArray, columns: list[str] | None = None) -> pa.Table:
    """Rows of a sharded table for these compounds, in their order."""
    wanted = record_ids.combine_chunks()
    selected = None if columns is None else ["record_id", *columns]
    found = ds.dataset(sorted(shards.glob("*.parquet"))).to_table(
        columns=selected, filter=pc.field("record_id").isin(wanted)
    )
    return _align(found, record_ids)


def _align(table: pa.Table, record_ids: pa.ChunkedArray) -> pa.Table:
    positions = pc.index_in(record_ids, value_set=table["record_id"].combine_chunks())
    return table.combine_chunks().take(positions)


def _beside(left: pa.Table, right: pa.Table) -> pa.Table:
    """Columns of both tables; of a column that both have, the left one."""
    for name in right.column_names:
        if name not in left.column_names:
            left = left.append_column(right.schema.field(name), right[name])
    return left
