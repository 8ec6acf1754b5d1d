"""The funnel of a run: what each step from the records to the hits removed, with the best it removed as examples.

One pass over the shards reads the few columns that say why a compound left; of the whole library nothing is held.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from molsieve.results.assemble import Lookup, WorkFolder
from molsieve.scoring.funnel import MAX_EXAMPLES, Example, Funnel, Tally
from molsieve.scoring.profile import Criterion, Profile

Row = Mapping[str, Any]

_READABLE, _UNIQUE, _SHORTLISTED, _ELIGIBLE, _HITS = "readable", "unique", "shortlisted", "eligible", "hits"
_TOO_SIMILAR, _SCAFFOLD_CAP = "too_similar", "scaffold_cap"
_HARD = "hard:"

# Code of the column excluded_by -> step; those that occur in no run of a profile are left out of its funnel.
_EXCLUSIONS = {
    "not_inspected": (_SHORTLISTED, "Shortlisted and inspected"),
    "pains": ("no_pains", "No PAINS alert"),
    "known_antibacterial": ("not_known", "No known antibacterial"),
    "not_refined": ("refined", "Described by the reference models"),
    "not_inspected_3d": ("inspected_3d", "Among the best, modelled in 3D"),
}
# Columns of the scores that say why; each is read where it is there.
_WHY = (
    "rank",
    "profile_prob",
    "pains",
    "antibacterial_class",
    "novelty_tanimoto",
    "nearest_known",
    "novelty_tversky",
    "nearest_known_tversky",
)


def run_funnel(work: WorkFolder, profile: Profile) -> Funnel:
    """Count a run from its work folder.

    Args:
        work: Work folder, selected.
        profile: The profile it was scored with.

    """
    counter = _Counter(work, profile)
    for shard in work.shards:
        counter.add(shard)
    return counter.funnel()


def funnel_facts(funnel: Funnel) -> list[dict[str, Any]]:
    """The funnel as JSON values: what went in, then each step."""
    first = {"step": "records", "title": funnel.title, "removed": 0, "remaining": funnel.start}
    steps = [
        {"step": step.name, "title": step.title, "removed": step.removed, "remaining": step.remaining}
        for step in funnel.steps
    ]
    return [first, *steps]


class _Counter:
    """Sums over the shards, and the best of what each exclusion removed."""

    def __init__(self, work: WorkFolder, profile: Profile) -> None:
        self.work = work
        self.profile = profile
        self.duplicates = Lookup.read(work.duplicates, "duplicate_of")
        self.read = 0
        self.rejected = 0
        self.repeated = 0
        self.excluded: Counter[str] = Counter()
        self.rejects: list[Row] = []
        self.repeats: list[Row] = []
        self.best: dict[str, list[Row]] = {}
        self.eligible: list[pa.Table] = []

    def add(self, shard: str) -> None:
        columns = ["record_id", "status", "reason_code", "reason_detail"]
        prepared = pq.read_table(self.work.prepared(shard), columns=columns)
        duplicate_of = self.duplicates.of(prepared["record_id"].to_numpy())
        rejected = prepared.filter(pc.not_equal(prepared["status"].cast(pa.string()), "ok"))
        self.read += prepared.num_rows
        self.rejected += rejected.num_rows
        self.repeated += len(duplicate_of) - duplicate_of.null_count
        self.rejects += self._first(rejected, self.rejects)
        repeats = pa.table({"record_id": prepared["record_id"], "duplicate_of": duplicate_of})
        self.repeats += self._first(repeats.filter(duplicate_of.is_valid()), self.repeats)
        self._add_scores(self.work.scores(shard))

    @staticmethod
    def _first(table: pa.Table, known: Sequence[Row]) -> list[Row]:
        rows: list[Row] = table.slice(0, MAX_EXAMPLES - len(known)).to_pylist() if len(known) < MAX_EXAMPLES else []
        return rows

    def _add_scores(self, path: Path) -> None:
        there = set(pq.read_schema(path).names)
        wanted = [*_WHY, *(f"{criterion.name}_value" for criterion in self._hard)]
        table = pq.read_table(path, columns=["record_id", "excluded_by", *(name for name in wanted if name in there)])
        codes = table["excluded_by"].cast(pa.string())
        self.eligible.append(table.filter(codes.is_null()).select(["record_id", "rank"]))
        for code in codes.drop_null().unique().to_pylist():
            at = pc.indices_nonzero(pc.equal(codes, code))
            self.excluded[code] += len(at)
            # What has no score of its own shares the last rank; there the probability decides.
            keys = [table[name].take(at).to_numpy() for name in ("rank", "profile_prob", "record_id")]
            top = np.lexsort((keys[2], -keys[1], keys[0]))[:MAX_EXAMPLES]
            found = [*self.best.get(code, []), *table.take(at.take(pa.array(top))).to_pylist()]
            found.sort(key=lambda row: (row["rank"], -row["profile_prob"], row["record_id"]))
            self.best[code] = found[:MAX_EXAMPLES]

    @property
    def _hard(self) -> list[Criterion]:
        return [criterion for criterion in self.profile.criteria if criterion.required and not criterion.endpoints]

    def funnel(self) -> Funnel:
        """Put the steps in order and fetch the examples' names and structures."""
        hits = pq.read_table(self.work.hits, columns=["record_id", "hit", "compound_id"]).to_pylist()
        number_of = {row["record_id"]: row["hit"] for row in hits}
        passed = pq.read_table(self.work.passed_over).to_pylist()
        eligible = self._eligible()
        settled = number_of.keys() | {row["record_id"] for row in passed}
        below = [row for row in eligible if row["record_id"] not in settled]
        steps = self._steps()
        tally = Tally("Records read", [step for _, step in steps])
        tally.enter(self.read)
        tally.remove(_READABLE, self.rejected)
        tally.remove(_UNIQUE, self.repeated)
        for code, (name, _) in steps:
            if code:
                tally.remove(name, self.excluded[code])
        tally.remove(_HITS, len(below))
        shown: list[tuple[str, Row, str]] = [(_READABLE, row, _rejection(row)) for row in self.rejects]
        shown += [(_UNIQUE, row, f"the same parent as {self._first_of(row)}") for row in self.repeats]
        shown += [(name, row, self._why(code, row)) for code, (name, _) in steps for row in self.best.get(code, ())]
        for row in passed:
            tally.remove(row["cause"])
            if row["cause"] == _TOO_SIMILAR:
                why = f"Tanimoto {row['similarity']:.2f} to hit {number_of[row['blocked_by']]}"
            else:
                why = f"scaffold of hit {number_of[row['blocked_by']]}, with hits enough of it"
            shown.append((row["cause"], row, why))
        shown += [(_HITS, row, f"rank {row['rank']:,}; there are hits enough") for row in below[:MAX_EXAMPLES]]
        self._show(tally, shown)
        return tally.funnel()

    def _first_of(self, row: Row) -> str:
        """The compound that a repeat repeats, by the name the library gave it."""
        record_id = row["duplicate_of"]
        names = _values((self.work.records(s) for s in self.work.shards), [record_id], "compound_id")
        return names.get(record_id) or f"record {record_id:,}"

    def _eligible(self) -> list[Row]:
        if not self.eligible:
            return []
        rows: list[Row] = (
            pa.concat_tables(self.eligible).sort_by([("rank", "ascending"), ("record_id", "ascending")]).to_pylist()
        )
        return rows

    def _steps(self) -> list[tuple[str, tuple[str, str]]]:
        """Code of the column excluded_by, or nothing, with name and title of each step, in their order."""
        structure = self.profile.structure
        always = {"not_inspected"}
        always |= {"pains"} if structure.pains == "gate" else set()
        always |= {"known_antibacterial"} if structure.excludes_known else set()
        known = [(code, step) for code, step in _EXCLUSIONS.items() if code in always or self.excluded[code]]
        hard = [(f"{_HARD}{c.name}", (f"meets_{c.name}", f"Meets: {c.title}")) for c in self._hard]
        listed = {code for code, _ in (*known, *hard)}
        # Reasons this version knows no words for still count.
        other = [(code, (code, f"Not {code.replace('_', ' ')}")) for code in sorted(self.excluded.keys() - listed)]
        return [
            ("", (_READABLE, "Readable structures")),
            ("", (_UNIQUE, "Unique compounds")),
            *known,
            *other,
            *hard,
            ("", (_ELIGIBLE, "Eligible as hits")),
            ("", (_TOO_SIMILAR, "Unlike every better hit")),
            ("", (_SCAFFOLD_CAP, "Under the scaffold cap")),
            ("", (_HITS, "Hits")),
        ]

    def _why(self, code: str, row: Row) -> str:
        if code == "not_inspected":
            return f"rank {row['rank']:,}, probability of meeting the profile {row['profile_prob']:.2g}"
        if code == "pains":
            return ", ".join(row["pains"] or ())
        if code == "known_antibacterial":
            return _resemblance(row, self.profile)
        if code == "not_inspected_3d":
            return f"rank {row['rank']:,}: without conformers (only the best get them, and RDKit finds none for some)"
        if code.startswith(_HARD):
            criterion = next((c for c in self._hard if code == f"{_HARD}{c.name}"), None)
            value = row.get(f"{criterion.name}_value") if criterion else None
            if criterion and value is not None:
                return f"{value:.4g}{f' {criterion.unit}' if criterion.unit else ''}, not {_asked(criterion)}"
        return code.removeprefix(_HARD).replace("_", " ")

    def _show(self, tally: Tally, shown: Sequence[tuple[str, Row, str]]) -> None:
        """Keep the first examples of each step, with identifier and structure from the records."""
        kept: Counter[str] = Counter()
        chosen = []
        for step, row, why in shown:
            kept[step] += 1
            if kept[step] <= MAX_EXAMPLES:
                chosen.append((step, row, why))
        ids = [row["record_id"] for _, row, _ in chosen]
        names = _values((self.work.records(s) for s in self.work.shards), ids, "compound_id")
        smiles = _values((self.work.prepared(s) for s in self.work.shards), ids, "parent_smiles")
        for step, row, why in chosen:
            record_id = row["record_id"]
            identifier = names.get(record_id) or f"record {record_id:,}"
            tally.show(step, Example(identifier, smiles.get(record_id), why))


def _values(files: Iterable[Path], record_ids: Sequence[int], column: str) -> dict[int, str | None]:
    """Values of a column for a few records."""
    if not record_ids:
        return {}
    wanted = pc.field("record_id").isin(pa.array(record_ids, pa.int64()))
    table = ds.dataset(list(files)).to_table(columns=["record_id", column], filter=wanted)
    return dict(zip(table["record_id"].to_pylist(), table[column].to_pylist(), strict=True))


def _rejection(row: Row) -> str:
    return f"{row['reason_code']}: {row['reason_detail']}" if row["reason_detail"] else str(row["reason_code"])


def _resemblance(row: Row, profile: Profile) -> str:
    """What makes a compound a known antibacterial: its class, or the one it resembles or else contains."""
    structure = profile.structure
    parts = [row["antibacterial_class"]] if row["antibacterial_class"] else []
    if _reaches(row["novelty_tanimoto"], structure.known_similarity):
        parts.append(f"Tanimoto {row['novelty_tanimoto']:.2f} to {row['nearest_known']}")
    elif _reaches(row.get("novelty_tversky"), structure.known_tversky):
        parts.append(f"has {row['novelty_tversky']:.0%} of the features of {row['nearest_known_tversky']}")
    return "; ".join(parts)


def _reaches(value: float | None, limit: float | None) -> bool:
    """Whether the gate stops it: values are stored with single precision, so the limit is compared with it."""
    return value is not None and limit is not None and bool(np.float32(value) >= np.float32(limit))


def _asked(criterion: Criterion) -> str:
    low, high = criterion.accept or (None, None)
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"at most {high:g}" if low is None else f"at least {low:g}"
