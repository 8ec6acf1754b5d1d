"""The hits: best first, different from each other, each with its reasons."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from rdkit import Chem, DataStructs
from rdkit.Chem.Scaffolds import MurckoScaffold

from molsieve.chemistry.fingerprints import morgan_bits
from molsieve.columns import arrow_schema
from molsieve.files import write_table
from molsieve.models.endpoints import Endpoint
from molsieve.results.inchikeys import inchikey
from molsieve.results.schema import conform, hits_columns
from molsieve.scoring.compounds import overlay
from molsieve.scoring.profile import Profile, load_profile
from molsieve.scoring.reasons import reasons, typical_contributions


@dataclass(frozen=True)
class SelectReport:
    """How the hits came about."""

    eligible: int
    hits: int
    too_similar: int
    over_scaffold_cap: int


@dataclass(frozen=True)
class SelectOptions:
    """How many hits, and how different they have to be (see ``config.Select``)."""

    hits: int = 100
    max_similarity: float = 0.6
    scaffold_cap: int = 3


def select(
    library: Path,
    scores: Path,
    profile: Path,
    out: Path,
    *,
    endpoints: Sequence[Endpoint],
    options: SelectOptions,
) -> SelectReport:
    """Walk down the ranking and keep compounds that differ from those already kept (directed sphere exclusion).

    A compound is skipped when its Tanimoto similarity to a kept one exceeds ``max_similarity``, or when
    ``scaffold_cap`` kept ones share its Murcko scaffold. An empty result is valid.

    Args:
        library: Work folder of the library, with ``records``, ``prepared``, ``triage`` and ``refined``.
        scores: Folder of scores.
        profile: Profile file.
        out: Hits table to write.
        endpoints: Endpoints of the models; those of the profile become columns.
        options: How many and how different.

    """
    wanted = load_profile(profile)
    eligible = _eligible(scores)
    smiles = _lookup(library / "prepared", eligible["record_id"], ["parent_smiles"])["parent_smiles"].to_pylist()
    walk = _Walk(options)
    for position, parent in enumerate(smiles):
        if len(walk.kept) == options.hits:
            break
        walk.consider(position, parent)
    table = eligible.take(pa.array([kept.position for kept in walk.kept], pa.int64()))
    keys = table["record_id"]
    for shards in ("records", "prepared"):
        table = _beside(table, _lookup(library / shards, keys))
    table = _beside(table, overlay(_lookup(library / "triage", keys), _lookup(library / "refined", keys)))
    shown = [endpoint for endpoint in endpoints if endpoint.name in wanted.endpoint_names()]
    columns = hits_columns(shown)
    table = _beside(_selection(walk.kept, wanted, table, typical_contributions(wanted, eligible)), table)
    write_table(out, conform(table, columns), arrow_schema(columns))
    return SelectReport(eligible.num_rows, len(walk.kept), walk.too_similar, walk.over_scaffold_cap)


@dataclass(frozen=True)
class _Kept:
    position: int
    parent_smiles: str
    scaffold: str


class _Walk:
    """The walk down the ranking: what was kept, and how many were passed over."""

    def __init__(self, options: SelectOptions) -> None:
        self.options = options
        self.kept: list[_Kept] = []
        self.too_similar = 0
        self.over_scaffold_cap = 0
        self._fingerprints: list[DataStructs.ExplicitBitVect] = []
        self._scaffolds: Counter[str] = Counter()

    def consider(self, position: int, parent_smiles: str) -> None:
        """Keep the compound unless it resembles what was kept before."""
        mol = Chem.MolFromSmiles(parent_smiles)
        fingerprint = morgan_bits(mol)
        similarities = DataStructs.BulkTanimotoSimilarity(fingerprint, self._fingerprints)
        if similarities and max(similarities) > self.options.max_similarity:
            self.too_similar += 1
            return
        scaffold = Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(mol))  # type: ignore[no-untyped-call]
        # Acyclic molecules share the empty scaffold and nothing else.
        if scaffold and self._scaffolds[scaffold] >= self.options.scaffold_cap:
            self.over_scaffold_cap += 1
            return
        self._scaffolds[scaffold] += 1
        self._fingerprints.append(fingerprint)
        self.kept.append(_Kept(position, parent_smiles, scaffold))


def _selection(kept: Sequence[_Kept], profile: Profile, table: pa.Table, typical: Mapping[str, float]) -> pa.Table:
    clusters = {scaffold: number for number, scaffold in enumerate(dict.fromkeys(k.scaffold for k in kept), start=1)}
    return pa.table(
        {
            "record_id": table["record_id"],
            "hit": pa.array(range(1, len(kept) + 1), pa.int32()),
            "inchikey": pa.array([inchikey(k.parent_smiles) for k in kept], pa.string()),
            "scaffold": pa.array([k.scaffold for k in kept], pa.string()),
            "cluster": pa.array([clusters[k.scaffold] for k in kept], pa.int32()),
            "reasons": pa.array([reasons(profile, row, typical) for row in table.to_pylist()], pa.string()),
            "library_properties": table["properties"],
        }
    )


def _eligible(scores: Path) -> pa.Table:
    table = ds.dataset(sorted(scores.glob("*.parquet"))).to_table(filter=pc.field("excluded_by").is_null())
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
