"""The top of the ranking, known antibacterials included: which come out on top, and which other compounds follow.

The hits leave out what is a known antibacterial or resembles one. The ranking does not, and in a library of drugs or a
vendor's collection that is the first thing to look at: known antibiotics on top say that the ranking works, the first
others are the candidates for repurposing. Whether a compound was measured in the training data stands beside it: a
rank that a model has learnt by heart says nothing new.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from molsieve.errors import MolsieveError
from molsieve.results.assemble import WorkFolder

# Folded fingerprints of different molecules can be equal, so this says "the same or as good as".
_SAME = 0.9995


@dataclass(frozen=True)
class RankingFiles:
    """Where the columns of a ranking lie: in a work folder, or in a published result set."""

    scores: Sequence[Path]
    identifiers: Sequence[Path]
    structures: Sequence[Path]
    nearest: Sequence[Path]
    hits: Path

    @classmethod
    def of_work(cls, work: WorkFolder) -> "RankingFiles":
        """Files of a run that is not yet published."""
        shards = work.shards
        return cls(
            scores=[work.scores(shard) for shard in shards],
            identifiers=[work.records(shard) for shard in shards],
            structures=[work.prepared(shard) for shard in shards],
            nearest=sorted(work.refined.glob("*.parquet")),
            hits=work.hits,
        )

    @classmethod
    def of_results(cls, results: Path) -> "RankingFiles":
        """Files of a result set."""
        compounds = sorted((results / "compounds").glob("*.parquet"))
        return cls(
            scores=sorted((results / "scores").glob("*.parquet")),
            identifiers=compounds,
            structures=compounds,
            nearest=sorted((results / "predictions").glob("*.parquet")),
            hits=results / "hits.parquet",
        )


@dataclass(frozen=True)
class Ranked:
    """A compound of the ranking."""

    rank: int
    identifier: str
    smiles: str
    profile_prob: float
    score: float
    is_known: bool
    """Whether it is a known antibacterial, has the pattern of a class, or resembles one."""
    label: str
    """Which known antibacterial it is, its class, or what it resembles; for others the nearest one."""
    fate: str
    """``hit N``, or why it is none."""
    measured: str
    """What it was measured to be in the training data; empty when it is not among them."""


@dataclass(frozen=True)
class Ranking:
    """The top of a ranking, in two lists, each best first."""

    looked_at: int
    """Compounds that were inspected, which are those the lists are of."""
    known: tuple[Ranked, ...]
    others: tuple[Ranked, ...]
    known_in_all: int
    """Known antibacterials among all that were inspected."""
    top: int
    """How many of the best are counted in ``known_in_top``."""
    known_in_top: int


def top_of_ranking(files: RankingFiles, known_similarity: float | None, *, top: int = 50, length: int = 15) -> Ranking:
    """Read the top of a ranking.

    Args:
        files: Where it lies.
        known_similarity: Tanimoto similarity from which a compound counts as known (the profile's); None: the class
            alone tells.
        top: Best compounds of which the known ones are counted.
        length: Entries of each list, at most.

    """
    table = _inspected(files)
    is_known = pc.is_valid(table["antibacterial_class"])
    if known_similarity is not None:
        is_known = pc.or_(is_known, pc.greater_equal(pc.fill_null(table["novelty_tanimoto"], 0.0), known_similarity))
    # The known by Tversky similarity, say, are known as well: the profile decides.
    is_known = pc.or_(
        is_known, pc.equal(pc.fill_null(table["excluded_by"].cast(pa.string()), ""), "known_antibacterial")
    )
    table = table.append_column("is_known", is_known)
    lists = [table.filter(wanted).slice(0, length) for wanted in (is_known, pc.invert(is_known))]
    known, others = (_ranked(files, chosen) for chosen in lists)
    first = table.slice(0, top)
    return Ranking(
        looked_at=table.num_rows,
        known=known,
        others=others,
        known_in_all=pc.sum(is_known).as_py() or 0,
        top=first.num_rows,
        known_in_top=pc.sum(first["is_known"]).as_py() or 0,
    )


def read_known_similarity(results: Path) -> float | None:
    """Tanimoto similarity from which the profile of a published run calls a compound known; None where it does not ask.

    Raises:
        MolsieveError: The folder is no result set.

    """
    path = results / "run.json"
    try:
        limit = json.loads(path.read_text(encoding="utf-8"))["profile"]["structure"]["known_similarity"]
        return None if limit is None else float(limit)
    except (OSError, ValueError, KeyError, TypeError):
        raise MolsieveError(
            "this is no result set with a readable run.json", where=str(path), fix="Name a folder such as results/demo."
        ) from None


def _inspected(files: RankingFiles) -> pa.Table:
    columns = ["record_id", "rank", "score", "profile_prob", "excluded_by", "antibacterial_class", "novelty_tanimoto"]
    table = ds.dataset(list(files.scores)).to_table(columns=[*columns, "nearest_known"], filter=pc.field("inspected"))
    return table.sort_by([("rank", "ascending"), ("record_id", "ascending")])


def _ranked(files: RankingFiles, table: pa.Table) -> tuple[Ranked, ...]:
    ids = table["record_id"].combine_chunks()
    names = _lookup(files.identifiers, ids, ["compound_id"])
    structures = _lookup(files.structures, ids, ["parent_smiles"])
    nearest = _lookup(files.nearest, ids, ["nn_similarity", "nn_active"])
    hits = {row["record_id"]: row["hit"] for row in _lookup([files.hits], ids, ["hit"]).values()}
    ranked = []
    for row in table.to_pylist():
        record_id = row["record_id"]
        near = nearest.get(record_id, {})
        is_measured = (near.get("nn_similarity") or 0) >= _SAME
        ranked.append(
            Ranked(
                rank=row["rank"],
                identifier=names[record_id]["compound_id"] or f"record {record_id:,}",
                smiles=structures[record_id]["parent_smiles"],
                profile_prob=row["profile_prob"],
                score=row["score"],
                is_known=row["is_known"],
                label=_label(row),
                fate=f"hit {hits[record_id]}" if record_id in hits else _fate(row["excluded_by"]),
                measured=(near.get("nn_active") or "").replace("_growth_inhibition", "") if is_measured else "",
            )
        )
    return tuple(ranked)


def _label(row: dict[str, Any]) -> str:
    similarity, nearest = row["novelty_tanimoto"] or 0.0, row["nearest_known"]
    found = row["antibacterial_class"] or ""
    if similarity >= _SAME:
        return f"{nearest} ({found})" if found else str(nearest)
    return f"{found + ', ' if found else ''}{similarity:.2f} like {nearest}"


def _fate(excluded_by: str | None) -> str:
    if excluded_by is None:
        return "ranked lower, or like a better hit"
    return excluded_by.replace("hard:", "fails ").replace("_", " ")


def _lookup(files: Sequence[Path], record_ids: pa.Array, columns: list[str]) -> dict[int, dict[str, Any]]:
    if not files or not len(record_ids):
        return {}
    wanted = pc.field("record_id").isin(record_ids)
    rows = ds.dataset(list(files)).to_table(columns=["record_id", *columns], filter=wanted).to_pylist()
    return {row["record_id"]: row for row in rows}
