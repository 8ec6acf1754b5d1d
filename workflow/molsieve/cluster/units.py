"""The units of work of a run (shards, chunks, single jobs) and which of them are done, told from its files alone."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from molsieve.config import Config


@dataclass(frozen=True)
class Unit:
    """What one job does.

    Attributes:
        name: As its log and its summary are called, e.g. ``prepare-library-00003``.
        output: File that is there when it is done; files are complete or not there.
        rows: Rows of the library it works on; 0 where they are not known.

    """

    name: str
    output: Path
    rows: int = 0


@dataclass(frozen=True)
class Stage:
    """Units that do the same.

    Attributes:
        name: As in docs/architecture.md; ``controls`` is the whole way of the controls.
        units: Its units; None while they are not known, which is before the library was read.
        finished: When units ended, in seconds since the epoch; the others have yet to be done.

    """

    name: str
    units: tuple[Unit, ...] | None
    finished: dict[str, float]

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.units is not None and len(self.finished) == len(self.units)

    @property
    def rows(self) -> int:
        """Rows of the library that went through it or will."""
        return sum(unit.rows for unit in self.units or ())

    @property
    def rows_done(self) -> int:
        """Rows of the units that are done."""
        return sum(unit.rows for unit in self.units or () if unit.name in self.finished)


def stages_of_run(work: Path, results: Path, config: Config) -> list[Stage]:
    """All stages of a run in the order they run, with what is done of each.

    A unit counts as done when its output is there and nothing that it was made from is missing or newer, as Snakemake
    judges it too. A change of settings or code is seen only once the run has started on it.

    Args:
        work: Folder of the intermediate files.
        results: Folder that the result set is published to.
        config: Configuration of the run.

    """
    shards = _shards(work / "library" / "records")
    stages: dict[str, Stage] = {}
    for name, units, sources in _planned(work, results, config, shards):
        made_from = [stages[source] for source in sources]
        newest = max((time for stage in made_from for time in stage.finished.values()), default=0.0)
        ready = all(stage.is_done for stage in made_from)
        found = _written([unit.output for unit in units or ()]) if ready else {}
        finished = {
            unit.name: found[unit.output]
            for unit in units or ()
            if unit.output in found and found[unit.output] >= newest
        }
        stages[name] = Stage(name, units, finished)
    return list(_with_controls_as_one(stages))


def all_done(stages: Sequence[Stage]) -> list[Stage]:
    """The stages of a run that ended well; Snakemake keeps a file whose sources are newer when they did not change."""
    return [
        Stage(stage.name, stage.units, {unit.name: 0.0 for unit in stage.units or ()} | stage.finished)
        for stage in stages
    ]


def _planned(
    work: Path, results: Path, config: Config, shards: Sequence[tuple[str, int]] | None
) -> Iterator[tuple[str, tuple[Unit, ...] | None, tuple[str, ...]]]:
    """Name of each stage, its units, and the stages whose files it is made from."""
    library, controls, rows = work / "library", work / "controls", sum(rows for _, rows in shards or ())

    def single(name: str, output: Path, rows: int = 0) -> tuple[Unit, ...]:
        return (Unit(name, output, rows),)

    def per_shard(stage: str, folder: str) -> tuple[Unit, ...] | None:
        if shards is None:
            return None
        return tuple(Unit(f"{stage}-library-{name}", library / folder / f"{name}.parquet", n) for name, n in shards)

    yield "ingest", single("ingest", work / "summary" / "ingest.json", rows), ()
    yield "prepare", per_shard("prepare", "prepared"), ("ingest",)
    yield "deduplicate", single("deduplicate-library", library / "duplicates.parquet", rows), ("prepare",)
    yield "triage", per_shard("triage", "triage"), ("deduplicate",)
    yield "shortlist", single("shortlist-library", library / "shortlist.parquet", rows), ("triage",)
    chosen = _rows_of(library / "shortlist.parquet")
    chunks = config.chunks
    refined = [
        Unit(
            f"refine-library-{chunk:05d}",
            library / "refined" / f"{chunk:05d}.parquet",
            chosen * (chunk + 1) // chunks - chosen * chunk // chunks,
        )
        for chunk in range(chunks)
    ]
    yield "refine", tuple(refined), ("shortlist",)
    yield "inspect", single("inspect-library", library / "inspected.parquet", chosen), ("refine",)
    yield "score", single("score", work / "summary" / "score.json", rows), ("inspect",)
    yield "select", single("select", work / "hits.parquet"), ("score",)
    last: tuple[str, ...] = ("select",)
    if config.controls.enabled:
        files = {
            "ingest-controls": "records/00000", "prepare-controls-00000": "prepared/00000",
            "deduplicate-controls": "duplicates", "triage-controls-00000": "triage/00000",
            "shortlist-controls": "shortlist", "refine-controls-00000": "refined/00000",
            "inspect-controls": "inspected",
        }  # fmt: skip
        before: tuple[str, ...] = ()
        for name, file in files.items():
            yield name, single(name, controls / f"{file}.parquet"), before
            before = (name,)
        yield "controls", single("controls", work / "controls.parquet"), ("score", "inspect-controls")
        last = ("select", "controls")
    yield "report", single("report", work / "report.html"), last
    yield "publish", single("publish", results / "checksums.sha256"), ("report",)


def _with_controls_as_one(stages: dict[str, Stage]) -> Iterator[Stage]:
    """The eight units of the controls as one stage."""
    parts = [stage for name, stage in stages.items() if "controls" in name]
    for name, stage in stages.items():
        if name == "controls":
            units = tuple(unit for part in parts for unit in part.units or ())
            yield Stage(name, units, {unit: time for part in parts for unit, time in part.finished.items()})
        elif stage not in parts:
            yield stage


def _shards(records: Path) -> list[tuple[str, int]] | None:
    """Names and rows of the shards, which the library's reading leaves in its manifest."""
    with suppress(OSError, ValueError, KeyError):
        manifest = json.loads((records / "manifest.json").read_text(encoding="utf-8"))
        return [(Path(shard["name"]).stem, int(shard["rows"])) for shard in manifest["shards"]]
    return None


def _rows_of(table: Path) -> int:
    with suppress(OSError, ValueError):  # pyarrow's errors are ValueErrors
        return int(pq.read_metadata(table).num_rows)
    return 0


def _written(files: Sequence[Path]) -> dict[Path, float]:
    """When files were written; those that are not there are left out."""
    times = {}
    for file in files:
        with suppress(OSError):
            times[file] = file.stat().st_mtime
    return times
