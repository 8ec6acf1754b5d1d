"""Which compounds get the costly checks: the best by the profile, and a random sample beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from distributed import as_completed
from numpy.typing import NDArray

from molsieve.columns import LOW_CARDINALITY, Column, arrow_schema
from molsieve.files import write_table
from molsieve.models.reliability import Reliability
from molsieve.scoring.compounds import read_compounds
from molsieve.scoring.criteria import fit_profile
from molsieve.scoring.dask_client import open_client
from molsieve.scoring.draw import draw
from molsieve.scoring.profile import Profile, load_profile

SHORTLIST = (
    Column("record_id", pa.int64(), "Compound.", nullable=False),
    Column("shard", LOW_CARDINALITY, "Shard that holds it, e.g. 00000.", nullable=False),
    Column("reason", LOW_CARDINALITY, "top (best by the profile) or audit (drawn at random).", nullable=False),
    Column("first_score", pa.float32(), "Profile probability times preference, before the structure checks."),
    Column("parent_smiles", pa.string(), "Canonical SMILES of the parent.", nullable=False),
)
_SCHEMA = arrow_schema(SHORTLIST)
_NO_CANDIDATES = arrow_schema(column for column in SHORTLIST if column.name != "reason").empty_table()


@dataclass(frozen=True)
class ShortlistReport:
    """How many compounds were chosen, and from how many."""

    compounds: int
    top: int
    audit: int


def shortlist(
    prepared: Path,
    triage: Path,
    profile: Path,
    out: Path,
    *,
    reliabilities: Mapping[str, Reliability],
    size: int,
    audit: int,
    seed: int,
    scheduler: str,
    workers: int,
) -> ShortlistReport:
    """Write the ``size`` best compounds over all shards and ``audit`` others drawn at random.

    Beside ``SHORTLIST`` the table has the predictions and properties that the profile asks for, so that the shortlist
    can be scored again, with refined predictions, without another look at the shards.

    Every shard sends its own best and its own candidates for the sample, which are merged as they come, so memory is
    bounded by the shard and the shortlist. The sample depends on the seed and the record ids alone, never on the
    sharding.
    """
    shards = sorted(triage.glob("*.parquet"))
    wanted = load_profile(profile)
    with open_client(scheduler, workers) as client:
        parts = client.map(
            _candidates,
            [prepared / shard.name for shard in shards],
            shards,
            profile=wanted,
            reliabilities=reliabilities,
            size=size,
            audit=audit,
            seed=seed,
            pure=False,
        )
        kept: list[pa.Table] = []
        compounds = 0
        # As they come in, so that no more than two shards' candidates wait here; their order does not matter.
        for part in as_completed(parts):
            table, rows = part.result()
            part.release()
            kept, compounds = [_worth_keeping(pa.concat_tables([*kept, table]), size, audit, seed)], compounds + rows
    chosen = kept[0] if kept else _NO_CANDIDATES
    top = _best(chosen, size)
    sample = _drawn(_without(chosen, top), audit, seed)
    table = pa.concat_tables([_with_reason(top, "top"), _with_reason(sample, "audit")]).sort_by("record_id")
    asked_for = [field for field in table.schema if field.name not in _SCHEMA.names]
    write_table(out, table, pa.schema([*_SCHEMA, *asked_for]))
    return ShortlistReport(compounds=compounds, top=top.num_rows, audit=sample.num_rows)


def first_scores(
    profile: Profile, compounds: pa.Table, reliabilities: Mapping[str, Reliability]
) -> NDArray[np.float32]:
    """The score before structure checks: probability of the profile, weighed by the preferences.

    Criteria on endpoints that the compounds have no predictions of are left out.
    """
    fit = fit_profile(profile, compounds, reliabilities)
    return fit.profile_prob * fit.preference


def _candidates(
    prepared: Path,
    triage: Path,
    *,
    profile: Profile,
    reliabilities: Mapping[str, Reliability],
    size: int,
    audit: int,
    seed: int,
) -> tuple[pa.Table, int]:
    compounds = read_compounds(
        prepared,
        triage,
        extra=("parent_smiles",),
        endpoints=profile.prediction_names(),
        properties=profile.property_names(),
    )
    table = compounds.append_column("first_score", pa.array(first_scores(profile, compounds, reliabilities)))
    table = table.append_column("shard", pa.array([triage.stem] * table.num_rows, pa.string()))
    return _worth_keeping(table, size, audit, seed), table.num_rows


def _worth_keeping(table: pa.Table, size: int, audit: int, seed: int) -> pa.Table:
    """The best, and candidates for the sample: drawn from what is not on top in the end, so enough for any outcome."""
    best = _best(table, size)
    return pa.concat_tables([best, _without(_drawn(table, size + audit, seed), best)]).combine_chunks()


def _drawn(table: pa.Table, rows: int, seed: int) -> pa.Table:
    order = np.argsort(draw(table["record_id"].to_numpy(), seed), kind="stable")
    return table.take(np.sort(order[:rows]))


def _without(table: pa.Table, others: pa.Table) -> pa.Table:
    return table.filter(pc.invert(pc.is_in(table["record_id"], value_set=others["record_id"].combine_chunks())))


def _best(table: pa.Table, size: int) -> pa.Table:
    order = np.lexsort((table["record_id"].to_numpy(), -table["first_score"].to_numpy()))
    return table.take(order[:size])


def _with_reason(table: pa.Table, reason: str) -> pa.Table:
    return table.append_column("reason", pa.array([reason] * table.num_rows, pa.string()))
