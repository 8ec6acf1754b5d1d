"""Scores and ranks of every compound against the profile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from distributed import Client
from numpy.typing import NDArray

from molsieve.columns import LOW_CARDINALITY, arrow_schema
from molsieve.files import write_table
from molsieve.models.reliability import Reliability
from molsieve.results.schema import GUT_SPECTRUM, scores_columns
from molsieve.scoring.alert_penalties import alert_factor
from molsieve.scoring.compounds import read_compounds
from molsieve.scoring.criteria import ProfileFit, fit_profile
from molsieve.scoring.dask_client import open_client
from molsieve.scoring.desirability import plateau
from molsieve.scoring.inspect import INSPECTED
from molsieve.scoring.pareto import pareto_fronts
from molsieve.scoring.profile import SHAPE, Criterion, Profile, load_profile
from molsieve.scoring.stability import top_share
from molsieve.scoring.structure_gates import structure_gates

_CHECKED = tuple(column.name for column in INSPECTED if column.name != "record_id")


@dataclass(frozen=True)
class ScoreReport:
    """How many compounds were scored, and how many of the inspected may become hits."""

    compounds: int
    inspected: int
    eligible: int


@dataclass(frozen=True)
class _ShardScores:
    """What a shard sends to the ranking: a score a compound, and the criteria of the inspected ones."""

    scores: NDArray[np.float32]
    inspected_ids: NDArray[np.int64]
    desirabilities: NDArray[np.float32]
    contributions: NDArray[np.float32]
    penalties: NDArray[np.float32]
    eligible: NDArray[np.bool_]


def score(
    prepared: Path,
    triage: Path,
    refined: Path,
    inspected: Path,
    profile: Path,
    scores: Path,
    *,
    reliabilities: Mapping[str, Reliability],
    hits: int,
    scheduler: str,
    workers: int,
) -> ScoreReport:
    """Write one scores table a shard, ranked over the whole library.

    The score is the probability of meeting the required criteria, weighed by the preferences and by alerts, and 0 for
    compounds a PAINS gate stops; it rests on the refined predictions of the compounds that have them. Every shard is
    scored and written without what needs the others, sends 4 bytes a compound to the ranking, and is then completed
    from a file of all scores, so no worker holds more than a shard and this process 13 bytes a compound.

    Args:
        prepared: Folder of the prepared shards.
        triage: Folder of the triage predictions.
        refined: Folder of the refined predictions.
        inspected: Structure checks of the shortlist.
        profile: Profile file.
        scores: Folder to write.
        reliabilities: Family and calibration error of each endpoint.
        hits: Hits at most; the rank stability is that of so many best.
        scheduler: Where Dask runs.
        workers: Workers of a local cluster.

    """
    wanted = load_profile(profile)
    shards = sorted(triage.glob("*.parquet"))
    sources = [prepared / shard.name for shard in shards]
    targets = [scores / shard.name for shard in shards]
    with open_client(scheduler, workers) as client:
        checked = client.scatter(pq.read_table(inspected), broadcast=True, hash=False)
        sent: list[_ShardScores] = client.gather(
            client.map(
                _score_shard,
                sources,
                shards,
                targets,
                refined=refined,
                profile=wanted,
                reliabilities=reliabilities,
                inspected=checked,
                pure=False,
            )
        )
        places = _places(sent, hits)
        _complete_all(client, targets, _distinct([part.scores for part in sent]), wanted, places)
    return ScoreReport(
        compounds=sum(len(part.scores) for part in sent),
        inspected=places.num_rows,
        eligible=sum(int(part.eligible.sum()) for part in sent),
    )


def _complete_all(
    client: Client, targets: Sequence[Path], distinct: NDArray[np.float32], profile: Profile, places: pa.Table
) -> None:
    if not targets:
        return
    remote = client.scatter(places, broadcast=True, hash=False)
    # Through a file and not the scheduler: of 10^9 compounds these are gigabytes.
    ladder = targets[0].with_name(".distinct.npy")
    try:
        np.save(ladder, distinct)
        client.gather(client.map(_complete_shard, targets, ladder=ladder, profile=profile, places=remote, pure=False))
    finally:
        ladder.unlink(missing_ok=True)


def score_table(
    profile: Profile, compounds: pa.Table, inspected: pa.Table, reliabilities: Mapping[str, Reliability]
) -> pa.Table:
    """Scores of some compounds, without rank, Pareto front and rank stability, which need the whole library.

    Args:
        profile: The target product profile.
        compounds: Predictions and properties of the compounds (:func:`read_compounds`).
        inspected: Structure checks (``INSPECTED``) of some or all of them.
        reliabilities: Family and calibration error of each endpoint.

    """
    checks = _align(inspected, compounds["record_id"])
    for name in SHAPE:
        if name in checks.column_names:
            compounds = compounds.append_column(name, checks[name])
    fit = fit_profile(profile, compounds, reliabilities)
    score = fit.probability.mean * fit.preference * alert_factor(profile.structure, checks)
    columns: dict[str, object] = {
        "record_id": compounds["record_id"],
        "score": score.astype(np.float32),
        "profile_prob": fit.probability.mean,
        "profile_prob_lo90": fit.probability.low,
        "profile_prob_hi90": fit.probability.high,
        "desirability": fit.desirability,
    }
    for criterion in profile.criteria:
        for what, values in (
            ("value", fit.values),
            ("desirability", fit.desirabilities),
            ("contribution", fit.contributions),
        ):
            columns[f"{criterion.name}_{what}"] = pa.array(values[criterion.name], from_pandas=True)
    nothing = pa.nulls(compounds.num_rows, pa.float32())
    margin = [pa.array(part, from_pandas=True) for part in fit.selectivity] if fit.selectivity else [nothing] * 3
    columns |= dict(zip(("selectivity_margin", "selectivity_lo90", "selectivity_hi90"), margin, strict=True))
    columns["inspected"] = pc.is_valid(checks["pains"])
    columns |= {name: checks[name] for name in _CHECKED}
    columns["excluded_by"] = _excluded_by(profile, checks, fit)
    return pa.table(columns)


def _align(table: pa.Table, record_ids: pa.ChunkedArray) -> pa.Table:
    """Rows of a table for these compounds, in their order; null where it has none."""
    positions = pc.index_in(record_ids, value_set=table["record_id"].combine_chunks())
    return table.combine_chunks().take(positions)


def _excluded_by(profile: Profile, checks: pa.Table, fit: ProfileFit) -> pa.Array:
    """Why a compound cannot be a hit; the first reason that applies, null for those that can."""
    # From the last reason that is looked at to the first, so that the first one wins.
    found: list[tuple[str, NDArray[np.bool_]]] = [
        (f"hard:{criterion.name}", _is_ruled_out(criterion, fit))
        for criterion in reversed(profile.criteria)
        if criterion.required and not criterion.endpoints
    ]
    for criterion in profile.criteria:
        reason = "not_inspected_3d" if criterion.descriptor in SHAPE else "not_refined"
        found.append((reason, np.isnan(fit.values[criterion.name])))
    found += structure_gates(profile.structure, checks)
    found.append(("not_inspected", _mask(pc.is_null(checks["pains"]))))
    names = list(dict.fromkeys(name for name, _ in found))
    codes = np.full(checks.num_rows, -1, dtype=np.int32)
    for name, mask in found:
        codes[mask] = names.index(name)
    indices = pa.array(codes, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string())).cast(LOW_CARDINALITY)


def _is_ruled_out(criterion: Criterion, fit: ProfileFit) -> NDArray[np.bool_]:
    """Which compounds a required range rules out: where its desirability is 0.

    A computed property lies inside or outside. Its fade cannot help: the probability of the profile is 0 outside.
    """
    if criterion.descriptor and criterion.descriptor != GUT_SPECTRUM:
        return plateau(fit.values[criterion.name], criterion.accept or (None, None), (0.0, 0.0)) <= 0
    return fit.desirabilities[criterion.name] <= 0


def _mask(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _score_shard(
    prepared: Path,
    triage: Path,
    target: Path,
    *,
    refined: Path,
    profile: Profile,
    reliabilities: Mapping[str, Reliability],
    inspected: pa.Table,
) -> _ShardScores:
    """Write the scores of a shard without what needs the whole library, and return what the ranking needs."""
    compounds = read_compounds(
        prepared, triage, refined, endpoints=profile.prediction_names(), properties=profile.property_names()
    )
    table = score_table(profile, compounds, inspected, reliabilities)
    write_table(_unranked(target), table, table.schema)
    seen = table.filter(table["inspected"])
    factor = alert_factor(profile.structure, seen).astype(np.float32)
    return _ShardScores(
        scores=table["score"].to_numpy(),
        inspected_ids=seen["record_id"].to_numpy(),
        # A criterion that could not be judged puts no compound ahead of another.
        desirabilities=np.nan_to_num(_criteria(profile, seen, "desirability"), nan=0.0),
        contributions=_criteria(profile, seen, "contribution"),
        penalties=np.log(np.maximum(factor, np.finfo(np.float32).tiny)),
        eligible=_mask(pc.is_null(seen["excluded_by"])),
    )


def _criteria(profile: Profile, table: pa.Table, what: str) -> NDArray[np.float32]:
    return np.stack([table[f"{criterion.name}_{what}"].to_numpy() for criterion in profile.criteria], axis=1)


def _unranked(target: Path) -> Path:
    """Where the scores of a shard wait for those of the others."""
    return target.with_name(f"{target.name}.unranked")


def _distinct(scores: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The different scores of all shards, ascending."""
    every = np.concatenate([np.zeros(0, np.float32), *scores])
    every.sort()
    is_last = np.append(every[:-1] != every[1:], np.ones(min(1, len(every)), np.bool_))
    distinct: NDArray[np.float32] = every[is_last]
    return distinct


def _ranks(scores: NDArray[np.float32], distinct: NDArray[np.float32]) -> NDArray[np.int64]:
    """Dense ranks among the different scores, 1 for the highest; equal scores share a rank."""
    own, place = np.unique(scores, return_inverse=True)
    # In ascending order, so that a file of them is read from front to back.
    return (len(distinct) - np.searchsorted(distinct, own)).astype(np.int64)[place]


def _places(sent: Sequence[_ShardScores], hits: int) -> pa.Table:
    """Pareto front and rank stability of the inspected compounds."""
    if not sent:
        empty = {"record_id": pa.int64(), "pareto_front": pa.int32(), "top_share": pa.float32()}
        return pa.schema(list(empty.items())).empty_table()
    eligible = np.concatenate([part.eligible for part in sent])
    stable = top_share(
        np.concatenate([part.contributions for part in sent]),
        np.concatenate([part.penalties for part in sent]),
        eligible,
        hits,
    )
    return pa.table(
        {
            "record_id": np.concatenate([part.inspected_ids for part in sent]),
            "pareto_front": pareto_fronts(np.concatenate([part.desirabilities for part in sent])),
            "top_share": stable,
        }
    )


def _complete_shard(target: Path, *, ladder: Path, profile: Profile, places: pa.Table) -> None:
    waiting = _unranked(target)
    table = pq.read_table(waiting)
    ranks = _ranks(table["score"].to_numpy(), np.load(ladder, mmap_mode="r"))
    table = table.append_column("rank", pa.array(ranks))
    found = _align(places, table["record_id"])
    for name in ("pareto_front", "top_share"):
        table = table.append_column(name, found[name])
    write_table(target, table, arrow_schema(scores_columns(profile.criteria)))
    waiting.unlink()
