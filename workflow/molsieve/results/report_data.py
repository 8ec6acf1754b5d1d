"""What the report shows, gathered from the work folder in one pass over its shards.

Histograms and counts are summed shard by shard; of the whole library only its scores are held, 4 bytes a compound.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molsieve.results.assemble import Lookup, WorkFolder
from molsieve.results.facts import RunFacts
from molsieve.results.ranking import Ranking, RankingFiles, top_of_ranking
from molsieve.results.run_funnel import run_funnel
from molsieve.results.schema import UNIT_TEXT, value_column
from molsieve.scoring.cascade import Cascade, cascade
from molsieve.scoring.compounds import PROPERTY_NAMES, read_predictions
from molsieve.scoring.funnel import Funnel
from molsieve.scoring.judgement import NO_CONTROLS, NOT_ASKED, Judgement
from molsieve.scoring.shortlist import first_scores

TOP_HITS = 100
EXAMPLES = 3
_OF_EVERY_HIT = ["hit", "profile_prob", "scaffold", "cluster", "cluster_leader", "cluster_similarity", "passed_over"]

Floats = NDArray[np.floating]

# Names, titles, units and edges of the properties that are drawn.
PROPERTIES = (
    ("mw_da", "Molecular weight", "Da", np.linspace(0, 1000, 41)),
    ("logp_crippen", "Lipophilicity (Crippen logP)", "", np.linspace(-6, 10, 41)),
    ("tpsa_a2", "Polar surface (TPSA)", "Å²", np.linspace(0, 300, 41)),
)
_UNIT_EDGES = np.linspace(0, 1, 41)
# Columns of the inspected compounds that say whether a costly check was computed, and what it is.
_COSTLY = {
    "pains": "alerts, known classes and novelty",
    "entry_score": "3-D conformers for Gram-negative entry",
}
# Predictions of rare outcomes crowd near zero; a logarithmic axis from 0.01 % shows them.
_LOG_EDGES = np.geomspace(1e-4, 1, 41)
_CROWDED_BELOW = 0.05


@dataclass
class Histogram:
    """Counts of the library between fixed edges; what lies outside counts in the outermost bins."""

    edges: Floats
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        self.counts = np.zeros(len(self.edges) - 1, dtype=np.int64)

    def add(self, values: Floats) -> None:
        """Count more values; missing ones are left out."""
        self.counts += self.count(values)

    def count(self, values: Floats) -> NDArray[np.int64]:
        """Return the counts of some values between the same edges."""
        values = values[~np.isnan(values)]
        counted, _ = np.histogram(np.clip(values, self.edges[0], self.edges[-1]), self.edges)
        return counted

    @property
    def total(self) -> int:
        """Values counted."""
        return int(self.counts.sum())

    @property
    def median(self) -> float | None:
        """Median, to the width of a bin."""
        if not self.total:
            return None
        at = int(np.searchsorted(np.cumsum(self.counts), self.total / 2))
        return float((self.edges[at] + self.edges[at + 1]) / 2)


@dataclass(frozen=True)
class Distribution:
    """One quantity over the library, with the controls and the hits beside it."""

    column: str
    title: str
    unit: str
    logarithmic: bool
    library: Histogram
    active: Floats
    inactive: Floats
    hits: Floats


@dataclass(frozen=True)
class RejectedExample:
    """One rejected record."""

    source: str
    source_row: int
    compound_id: str | None
    input_structure: str | None
    detail: str | None


@dataclass(frozen=True)
class LibraryFacts:
    """Counts of the library at each step of the funnel, and why records left it."""

    read: int
    parsed: int
    unique: int
    predicted: int
    inspected: int
    eligible: int
    reasons: Mapping[str, int]
    examples: Mapping[str, Sequence[RejectedExample]]
    changes: Mapping[str, int]
    excluded: Mapping[str, int]
    """Why inspected compounds are not eligible."""
    in_domain: int
    refined: int
    """Compounds that the reference models predicted."""
    not_described: int
    """Shortlisted compounds that they could not."""

    @property
    def rejected(self) -> int:
        """Records without a parent."""
        return self.read - self.parsed

    @property
    def duplicates(self) -> int:
        """Records whose parent occurred before."""
        return self.parsed - self.unique


@dataclass(frozen=True)
class Selection:
    """How the hits came out of the library, and what they were chosen from."""

    funnel: Funnel
    ranking: Ranking
    hits: Sequence[Mapping[str, Any]]
    """Number, probability of meeting the profile, scaffold and cluster of every hit."""

    @property
    def clusters(self) -> int:
        """Clusters of similar hits."""
        return len({row["cluster"] for row in self.hits})


NOTHING_SELECTED = Selection(Funnel("Records read", 0, ()), Ranking(0, (), (), 0, 0, 0), ())


@dataclass(frozen=True)
class ReportData:
    """Everything the report draws."""

    library: LibraryFacts
    library_scores: Floats
    controls: Sequence[Mapping[str, Any]]
    hits: Sequence[Mapping[str, Any]]
    hits_total: int
    scaffolds: int
    """Distinct Murcko scaffolds among the hits; acyclic hits have none."""
    distributions: Sequence[Distribution]
    property_distributions: Sequence[Distribution]
    domain_distributions: Sequence[Distribution]
    cascade: Cascade
    judgement: Judgement
    decoy_scores: Mapping[str, Floats]
    """Scores of the decoys of each active control, by its name."""
    on_survivors: Mapping[str, int]
    """How many compounds each costly check was computed for, by what it is."""
    controls_shortlisted: tuple[int, int] | None
    """How many of the known antibacterials triage alone would have put on top of the library, and of how many."""
    selection: Selection = NOTHING_SELECTED


def gather(work: WorkFolder, facts: RunFacts) -> ReportData:
    """Read everything the report needs."""
    collector = _Collector(work, facts)
    for shard in work.shards:
        collector.add(shard)
    return collector.result()


class _Collector:
    """Sums over the shards."""

    def __init__(self, work: WorkFolder, facts: RunFacts) -> None:
        self.work = work
        self.facts = facts
        self.duplicates = Lookup.read(work.duplicates, "duplicate_of")
        self.controls = pq.read_table(work.controls) if work.controls.exists() else None
        hits = pq.read_table(work.hits)
        self.hits_total = hits.num_rows
        self.all_hits = hits.select(_OF_EVERY_HIT).to_pylist()
        self.hits = hits.slice(0, TOP_HITS)
        self.hit_scores: dict[int, dict[str, Any]] = {}
        self.scores: list[NDArray[np.float32]] = []
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.changes: Counter[str] = Counter()
        self.excluded: Counter[str] = Counter()
        self.examples: dict[str, list[RejectedExample]] = {}
        linear = {"profile_prob": Histogram(_UNIT_EDGES), "unseen_fraction": Histogram(_UNIT_EDGES)}
        linear["nn_similarity"] = Histogram(_UNIT_EDGES)
        linear |= {name: Histogram(edges) for name, _, _, edges in PROPERTIES}
        for endpoint in facts.profile_endpoints:
            column = value_column(endpoint)
            linear[column] = Histogram(_UNIT_EDGES if endpoint.task == "classification" else self._range(column))
        self.linear = linear
        self.logarithmic = {name: Histogram(_LOG_EDGES) for name in linear if name.endswith("_prob")}
        self.shortlist = pq.read_table(work.shortlist, columns=["record_id", "reason", "first_score"])
        self.first_scores: list[pa.Table] = []

    def _range(self, column: str) -> Floats:
        """Bin edges over all values of a prediction, from the statistics in the footers of the shards."""
        low, high = np.inf, -np.inf
        files = [*(self.work.triage(shard) for shard in self.work.shards), *sorted(self.work.refined.glob("*.parquet"))]
        for file in files:
            footer = pq.read_metadata(file)
            if column not in footer.schema.names:
                continue
            at = footer.schema.names.index(column)
            for group in range(footer.num_row_groups):
                statistics = footer.row_group(group).column(at).statistics
                if statistics is not None and statistics.has_min_max:
                    low, high = min(low, statistics.min), max(high, statistics.max)
        return np.linspace(low, high, 41) if low < high else np.linspace(0, 1, 41)

    def add(self, shard: str) -> None:
        self._add_prepared(shard)
        wanted = self.facts.profile.prediction_names()
        predictions = read_predictions(self.work.triage(shard), self.work.refined, wanted)
        scores = pq.read_table(self.work.scores(shard))
        self.counts["predicted"] += predictions.num_rows
        self.counts["refined"] += pc.sum(pc.equal(predictions["tier"].cast(pa.string()), "refine")).as_py() or 0
        self.counts["in_domain"] += pc.sum(predictions["in_domain"]).as_py() or 0
        for name in (*(value_column(e) for e in self.facts.profile_endpoints), "unseen_fraction", "nn_similarity"):
            self._count(name, predictions[name])
        self._add_first_scores(shard, predictions)
        self._count("profile_prob", scores["profile_prob"])
        self.scores.append(scores["score"].to_numpy())
        seen = scores.filter(scores["inspected"])
        self.counts["inspected"] += seen.num_rows
        excluded = seen["excluded_by"]
        self.counts["eligible"] += excluded.null_count
        _tally(self.excluded, excluded)
        wanted = scores.filter(pc.is_in(scores["record_id"], value_set=self.hits["record_id"].combine_chunks()))
        self.hit_scores |= {row["record_id"]: row for row in wanted.to_pylist()}

    def _add_first_scores(self, shard: str, predictions: pa.Table) -> None:
        """First scores by the refined predictions, to be compared with those of the shortlist."""
        is_refined = pc.equal(predictions["tier"].cast(pa.string()), "refine")
        refined = predictions.filter(is_refined)
        properties = pq.read_table(self.work.prepared(shard), columns=["record_id", *PROPERTY_NAMES])
        at = pc.index_in(refined["record_id"], value_set=properties["record_id"].combine_chunks())
        properties = properties.combine_chunks().take(at)
        for name in PROPERTY_NAMES:
            refined = refined.append_column(name, properties[name])
        scores = first_scores(self.facts.profile, refined, self.facts.reliabilities)
        self.first_scores.append(pa.table({"record_id": refined["record_id"], "refined_score": scores}))

    def _count(self, name: str, column: pa.ChunkedArray) -> None:
        values = column.to_numpy()
        self.linear[name].add(values)
        if name in self.logarithmic:
            self.logarithmic[name].add(values)

    def _add_prepared(self, shard: str) -> None:
        columns = ["record_id", "status", "reason_code", "reason_detail", "input_structure", "changes"]
        table = pq.read_table(self.work.prepared(shard), columns=[*columns, *(name for name, *_ in PROPERTIES)])
        ok = pc.equal(table["status"].cast(pa.string()), "ok")
        unique = pc.and_(ok, self.duplicates.of(table["record_id"].to_numpy()).is_null())
        self.counts["read"] += table.num_rows
        self.counts["parsed"] += pc.sum(ok).as_py() or 0
        self.counts["unique"] += pc.sum(unique).as_py() or 0
        rejected = table.filter(pc.invert(ok))
        _tally(self.reasons, rejected["reason_code"])
        _tally(self.changes, pc.list_flatten(table.filter(ok)["changes"]))
        kept = table.filter(unique)
        for name, *_ in PROPERTIES:
            self._count(name, kept[name])
        self._add_examples(shard, rejected)

    def _add_examples(self, shard: str, rejected: pa.Table) -> None:
        codes = rejected["reason_code"].cast(pa.string())
        chosen: list[int] = []
        for code in codes.unique().to_pylist():
            missing = EXAMPLES - len(self.examples.get(code, []))
            if missing > 0:
                found = pc.indices_nonzero(pc.equal(codes, code))
                chosen += found[:missing].to_pylist()
        if not chosen:
            return
        examples = rejected.take(pa.array(sorted(chosen)))
        columns = ["record_id", "source", "source_row", "compound_id"]
        wanted = pc.field("record_id").isin(examples["record_id"].combine_chunks())
        origin = {
            row["record_id"]: row
            for row in pq.read_table(self.work.records(shard), columns=columns, filters=wanted).to_pylist()
        }
        for row in examples.to_pylist():
            record = origin[row["record_id"]]
            self.examples.setdefault(row["reason_code"], []).append(
                RejectedExample(
                    source=record["source"],
                    source_row=record["source_row"],
                    compound_id=record["compound_id"],
                    input_structure=row["input_structure"],
                    detail=row["reason_detail"],
                )
            )

    def _judgement(self) -> Judgement:
        if self.controls is not None:
            return Judgement.of_run(self.work.judgement)
        return NOT_ASKED if self.facts.profile.controls == "none" else NO_CONTROLS

    def result(self) -> ReportData:
        scores = np.concatenate(self.scores) if self.scores else np.zeros(0, dtype=np.float32)
        library = LibraryFacts(
            **{name: self.counts[name] for name in ("read", "parsed", "unique", "predicted", "inspected", "eligible")},
            reasons=dict(self.reasons.most_common()),
            examples=self.examples,
            changes=dict(self.changes.most_common()),
            excluded=dict(self.excluded.most_common()),
            in_domain=self.counts["in_domain"],
            refined=self.counts["refined"],
            not_described=self.shortlist.num_rows - self.counts["refined"],
        )
        return ReportData(
            library=library,
            library_scores=scores,
            controls=self.controls.to_pylist() if self.controls is not None else [],
            hits=[{**row, "scores": self.hit_scores.get(row["record_id"], {})} for row in self.hits.to_pylist()],
            hits_total=self.hits_total,
            scaffolds=len({row["scaffold"] for row in self.all_hits if row["scaffold"]}),
            distributions=[self._score_distribution(scores), *self._endpoint_distributions()],
            property_distributions=[self._distribution(name, title, unit) for name, title, unit, _ in PROPERTIES],
            domain_distributions=self._domain_distributions(),
            cascade=self._cascade(),
            judgement=self._judgement(),
            decoy_scores=self._decoy_scores(),
            on_survivors=self._on_survivors(),
            controls_shortlisted=self._controls_shortlisted(),
            selection=self._selection(),
        )

    def _decoy_scores(self) -> dict[str, Floats]:
        if not self.work.decoys.is_file():
            return {}
        table = pq.read_table(self.work.decoys, columns=["matched_to", "score"])
        names = table["matched_to"].cast(pa.string()).to_numpy(zero_copy_only=False)
        scores = table["score"].to_numpy()
        return {name: scores[names == name] for name in np.unique(names)}

    def _on_survivors(self) -> dict[str, int]:
        """Counts of the checks that only some compounds get; those of earlier versions are not there."""
        path = self.work.root / "library" / "inspected.parquet"
        if not path.is_file():
            return {}
        present = pq.read_schema(path).names
        columns = {name: what for name, what in _COSTLY.items() if name in present}
        table = pq.read_table(path, columns=list(columns))
        return {what: table.num_rows - table[name].null_count for name, what in columns.items()}

    def _selection(self) -> Selection:
        profile = self.facts.profile
        ranking = top_of_ranking(RankingFiles.of_work(self.work), profile.structure.known_similarity)
        return Selection(run_funnel(self.work, profile), ranking, self.all_hits)

    def _cascade(self) -> Cascade:
        empty = pa.table({"record_id": pa.array([], pa.int64()), "refined_score": pa.array([], pa.float32())})
        refined = pa.concat_tables([empty, *self.first_scores]).combine_chunks()
        at = pc.index_in(self.shortlist["record_id"], value_set=refined["record_id"].combine_chunks())
        both = self.shortlist.append_column("refined_score", refined.take(at)["refined_score"]).filter(pc.is_valid(at))
        is_audit = pc.equal(both["reason"].cast(pa.string()), "audit").to_numpy()
        scores = (both[name].to_numpy() for name in ("first_score", "refined_score"))
        return cascade(self.counts["predicted"], is_audit, *scores)

    def _controls_shortlisted(self) -> tuple[int, int] | None:
        path = self.work.root / "controls" / "shortlist.parquet"
        top = self.shortlist.filter(pc.equal(self.shortlist["reason"].cast(pa.string()), "top"))
        if self.controls is None or not path.is_file() or top.num_rows in {0, self.counts["predicted"]}:
            return None
        # Row n of the controls table is record n of their work folder.
        kinds = self.controls["kind"].cast(pa.string()).to_pylist()
        rows = pq.read_table(path, columns=["record_id", "first_score"]).to_pylist()
        if len(rows) < len(kinds) - self.controls["score"].null_count:
            return None
        actives = [row["first_score"] for row in rows if kinds[row["record_id"]] == "active"]
        least = pc.min(top["first_score"]).as_py()
        return sum(score >= least for score in actives), len(actives)

    def _domain_distributions(self) -> list[Distribution]:
        return [
            self._distribution("unseen_fraction", "Share of the fingerprint unseen in training", ""),
            self._distribution("nn_similarity", "Similarity to the nearest training molecule (shortlist)", ""),
        ]

    def _endpoint_distributions(self) -> Iterable[Distribution]:
        yield self._distribution("profile_prob", "Probability of meeting the profile", "")
        for endpoint in self.facts.profile_endpoints:
            unit = UNIT_TEXT.get(endpoint.unit or "", endpoint.unit or "")
            yield self._distribution(value_column(endpoint), endpoint.title, unit)

    def _score_distribution(self, scores: NDArray[np.float32]) -> Distribution:
        active, inactive = (self._of_controls("score", kind) for kind in ("active", "inactive"))
        every = np.concatenate([scores, active, inactive])
        top = float(np.nanmax(every)) if len(every) else 1.0
        low = min(0.0, float(np.nanmin(every))) if len(every) else 0.0
        crowded = bool(low >= 0 and len(scores) and np.median(scores) < _CROWDED_BELOW * top)
        decade = 10 ** np.ceil(np.log10(top)) if top > 0 else 1.0
        edges = np.geomspace(decade * 1e-4, decade, 41) if crowded and top > 0 else np.linspace(low, top or 1.0, 41)
        histogram = Histogram(edges)
        histogram.add(scores)
        hits = np.array([row["score"] for row in self.hits.to_pylist()], dtype=np.float64)
        return Distribution("score", "Score", "", crowded and top > 0, histogram, active, inactive, hits)

    def _distribution(self, name: str, title: str, unit: str) -> Distribution:
        histogram = self.linear[name]
        crowded = name in self.logarithmic and (histogram.median or 1.0) < _CROWDED_BELOW
        return Distribution(
            column=name,
            title=title,
            unit=unit,
            logarithmic=crowded,
            library=self.logarithmic[name] if crowded else histogram,
            active=self._of_controls(name, "active"),
            inactive=self._of_controls(name, "inactive"),
            hits=np.array(self.hits[name].to_pylist(), dtype=np.float64)
            if name in self.hits.column_names
            else np.zeros(0),
        )

    def _of_controls(self, name: str, kind: str) -> Floats:
        if self.controls is None or name not in self.controls.column_names:
            return np.zeros(0)
        chosen = self.controls.filter(pc.equal(self.controls["kind"].cast(pa.string()), kind))[name].drop_null()
        return np.asarray(chosen.to_numpy(), dtype=np.float64)


def _tally(into: Counter[str], column: pa.ChunkedArray) -> None:
    for counted in column.cast(pa.string()).drop_null().value_counts().to_pylist():
        into[counted["values"]] += counted["counts"]
