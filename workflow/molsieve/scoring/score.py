"""Scores and ranks of every compound against the profile."""

from collections.abc import Sequence
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
from molsieve.results.schema import scores_columns
from molsieve.scoring.compounds import read_compounds
from molsieve.scoring.criteria import ProfileFit, fit_profile
from molsieve.scoring.dask_client import open_client
from molsieve.scoring.inspect import INSPECTED
from molsieve.scoring.pareto import pareto_fronts
from molsieve.scoring.profile import Profile, load_profile

MAX_COUNTED_ALERTS = 3
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

    record_ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    inspected_ids: NDArray[np.int64]
    inspected_desirabilities: NDArray[np.float32]
    eligible: int


def score(
    prepared: Path,
    triage: Path,
    refined: Path,
    inspected: Path,
    profile: Path,
    scores: Path,
    *,
    scheduler: str,
    workers: int,
) -> ScoreReport:
    """Write one scores table a shard, ranked over the whole library.

    The score is the probability of meeting the required criteria, weighed by the preferences and by BRENK alerts, and 0
    for compounds a PAINS gate stops; it rests on the refined predictions of the compounds that have them. Shards are
    evaluated twice: once to send 12 bytes a compound to the ranking, once to write the tables, so no worker holds more
    than a shard.
    """
    wanted = load_profile(profile)
    shards = sorted(triage.glob("*.parquet"))
    sources = [prepared / shard.name for shard in shards]
    with open_client(scheduler, workers) as client:
        checked = client.scatter(pq.read_table(inspected), broadcast=True, hash=False)
        sent: list[_ShardScores] = client.gather(
            client.map(_shard_scores, sources, shards, refined=refined, profile=wanted, inspected=checked, pure=False)
        )
        ranks = _ranks([part.scores for part in sent])
        fronts = _fronts(sent)
        targets = [scores / shard.name for shard in shards]
        _write_all(client, sources, shards, targets, ranks, refined, wanted, checked, fronts)
    return ScoreReport(
        compounds=sum(len(part.scores) for part in sent),
        inspected=fronts.num_rows,
        eligible=sum(part.eligible for part in sent),
    )


def _write_all(
    client: Client,
    sources: Sequence[Path],
    shards: Sequence[Path],
    targets: Sequence[Path],
    ranks: Sequence[NDArray[np.int64]],
    refined: Path,
    profile: Profile,
    checked: object,
    fronts: pa.Table,
) -> None:
    client.gather(
        client.map(
            _write_shard,
            sources,
            shards,
            targets,
            ranks,
            refined=refined,
            profile=profile,
            inspected=checked,
            fronts=client.scatter(fronts, broadcast=True, hash=False),
            pure=False,
        )
    )


def score_table(profile: Profile, compounds: pa.Table, inspected: pa.Table) -> pa.Table:
    """Scores of some compounds, without rank and Pareto front, which need the whole library.

    Args:
        profile: The target product profile.
        compounds: Predictions and properties of the compounds (:func:`read_compounds`).
        inspected: Structure checks (``INSPECTED``) of some or all of them.

    """
    fit = fit_profile(profile, compounds)
    checks = _align(inspected, compounds["record_id"])
    is_inspected = pc.is_valid(checks["pains"])
    excluded = _excluded_by(profile, compounds, checks, fit)
    score = fit.profile_prob * fit.preference * _alert_factor(profile, checks)
    columns: dict[str, object] = {
        "record_id": compounds["record_id"],
        "score": score.astype(np.float32),
        "profile_prob": fit.profile_prob,
        "desirability": fit.desirability,
    }
    for criterion in profile.criteria:
        columns[f"{criterion.name}_value"] = pa.array(fit.values[criterion.name], from_pandas=True)
        columns[f"{criterion.name}_desirability"] = pa.array(fit.desirabilities[criterion.name], from_pandas=True)
    columns["inspected"] = is_inspected
    columns |= {name: checks[name] for name in _CHECKED}
    columns["excluded_by"] = pa.array(excluded, pa.string()).cast(LOW_CARDINALITY)
    return pa.table(columns)


def _align(inspected: pa.Table, record_ids: pa.ChunkedArray) -> pa.Table:
    """Rows of ``inspected`` for these compounds, in their order; null where a compound was not inspected."""
    positions = pc.index_in(record_ids, value_set=inspected["record_id"].combine_chunks())
    return inspected.combine_chunks().take(positions)


def _alert_counts(checks: pa.Table, catalogue: str) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(pc.list_value_length(checks[catalogue]), 0).to_numpy(), dtype=np.int64)


def _alert_factor(profile: Profile, checks: pa.Table) -> NDArray[np.float64]:
    factor = profile.structure.brenk_penalty ** np.minimum(_alert_counts(checks, "brenk"), MAX_COUNTED_ALERTS)
    if profile.structure.pains == "gate":
        factor = np.where(_alert_counts(checks, "pains") > 0, 0.0, factor)
    return np.asarray(factor, dtype=np.float64)


def _excluded_by(profile: Profile, compounds: pa.Table, checks: pa.Table, fit: ProfileFit) -> list[str | None]:
    """Why a compound cannot be a hit; the first reason that applies, None for those that can."""
    reasons = np.full(compounds.num_rows, None, dtype=object)
    for criterion in reversed(profile.criteria):
        if criterion.required and not criterion.endpoints:
            reasons[fit.desirabilities[criterion.name] <= 0] = f"hard:{criterion.name}"
    for criterion in profile.criteria:
        reasons[np.isnan(fit.values[criterion.name])] = "not_refined"
    similarity = pc.fill_null(checks["novelty_tanimoto"], 0).to_numpy()
    reasons[similarity >= profile.structure.known_similarity] = "known_antibacterial"
    reasons[pc.is_valid(checks["antibacterial_class"]).to_numpy(zero_copy_only=False)] = "known_antibacterial"
    if profile.structure.pains == "gate":
        reasons[_alert_counts(checks, "pains") > 0] = "pains"
    reasons[pc.is_null(checks["pains"]).to_numpy(zero_copy_only=False)] = "not_inspected"
    return list(reasons)


def _shard_scores(
    prepared: Path, triage: Path, *, refined: Path, profile: Profile, inspected: pa.Table
) -> _ShardScores:
    compounds = read_compounds(prepared, triage, refined, endpoints=profile.endpoint_names())
    table = score_table(profile, compounds, inspected)
    seen = table.filter(table["inspected"])
    desirabilities = [seen[f"{criterion.name}_desirability"].to_numpy() for criterion in profile.criteria]
    return _ShardScores(
        record_ids=table["record_id"].to_numpy(),
        scores=table["score"].to_numpy(),
        inspected_ids=seen["record_id"].to_numpy(),
        # A criterion that could not be judged puts no compound ahead of another.
        inspected_desirabilities=np.nan_to_num(np.stack(desirabilities, axis=1), nan=0.0),
        eligible=pc.sum(pc.is_null(seen["excluded_by"])).as_py() or 0,
    )


def _ranks(scores: Sequence[NDArray[np.float32]]) -> list[NDArray[np.int64]]:
    """Dense ranks over all shards, 1 for the highest score; equal scores share a rank."""
    if not scores:
        return []
    distinct = np.unique(np.concatenate(scores))
    return [(len(distinct) - np.searchsorted(distinct, part)).astype(np.int64) for part in scores]


def _fronts(sent: Sequence[_ShardScores]) -> pa.Table:
    if not sent:
        return pa.table({"record_id": pa.array([], pa.int64()), "pareto_front": pa.array([], pa.int32())})
    return pa.table(
        {
            "record_id": np.concatenate([part.inspected_ids for part in sent]),
            "pareto_front": pareto_fronts(np.concatenate([part.inspected_desirabilities for part in sent])),
        }
    )


def _write_shard(
    prepared: Path,
    triage: Path,
    target: Path,
    rank: NDArray[np.int64],
    *,
    refined: Path,
    profile: Profile,
    inspected: pa.Table,
    fronts: pa.Table,
) -> None:
    compounds = read_compounds(prepared, triage, refined, endpoints=profile.endpoint_names())
    table = score_table(profile, compounds, inspected)
    table = table.append_column("rank", pa.array(rank))
    front = _align(fronts, table["record_id"])["pareto_front"]
    schema = arrow_schema(scores_columns(profile.criteria))
    write_table(target, table.append_column("pareto_front", front), schema)
