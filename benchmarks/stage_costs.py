"""What every stage costs: processor seconds, memory and disk, from which follows what a job asks for.

    python benchmarks/stage_costs.py library.tsv.gz [--rows 20000 100000] [--copies 5] [--json OUT]

Each stage runs as the command that its rule calls. The stages of a shard run on the first rows of the library, at two
sizes, so that what a job costs at all and what a row costs come apart. The stages of a whole library run on the larger
of these shards, and on copies of it under other record ids and identities: to them as many different compounds. The
stages of the shortlist run on two slices of it.

Processor seconds count and not the clock's, of the stage and all its processes, because the machine may have other
work. Memory is the largest sum of their resident sizes, which is what Slurm's accounting adds up (shared pages
count twice).
The busiest thread's share of the processor seconds says how much of a stage further threads cannot shorten.
"""

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from molsieve import project_root
from molsieve.files import write_table

ROOT = project_root()
REFINE, TRIAGE = (f"--model={ROOT / 'resources' / 'models' / name}" for name in ("refine", "triage"))
PROFILE = f"--profile={ROOT / 'config' / 'profiles' / 'amr-gram-negative.yaml'}"
CONTROLS = ROOT / "resources" / "amr" / "controls.csv"
REFERENCE = ROOT / "resources" / "amr" / "antibacterials.csv"
SAMPLE_S = 0.2
SHORTLIST = 1_500
# Seconds by which the same job differs from one time to the next.
NOISE_S = 0.5
# Stages that read whole shards; the others read a shard batch by batch.
HOLD_SHARDS = {"deduplicate", "shortlist", "score", "select", "controls", "report", "publish"}
_IDENTITY_BYTES = 16


@dataclass
class Measurements:
    """Runs stages and keeps what they cost."""

    threads: int
    found: list[dict[str, Any]] = field(default_factory=list)

    def run(self, command: Sequence[str], rows: int, threads: int = 1, stage: str | None = None) -> None:
        """Run a stage in a process of its own; kept under its name, or under ``stage``."""
        started = time.perf_counter()
        process = psutil.Popen([sys.executable, "-m", "molsieve", *command], stdout=subprocess.DEVNULL)
        busy: dict[tuple[int, int], float] = {}
        largest = 0
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            largest = max(largest, _sample(process, busy))
            time.sleep(SAMPLE_S)
        if ended[1]:
            raise SystemExit(f"failed: molsieve {' '.join(command)}")
        seconds = ended[2].ru_utime + ended[2].ru_stime
        self.found.append(
            {
                "stage": stage or command[0],
                "rows": rows,
                "threads": threads,
                "cpu_s": round(seconds, 2),
                "busiest_thread_s": round(max(busy.values(), default=seconds), 2),
                "memory_mb": round(largest / 1e6),
                "wall_s": round(time.perf_counter() - started, 1),
            }
        )
        print(json.dumps(self.found[-1]), flush=True)


def _sample(process: psutil.Process, busy: dict[tuple[int, int], float]) -> int:
    """Note the seconds of every thread of a process tree; returns its resident bytes."""
    resident = 0
    for one in (process, *_children(process)):
        try:
            resident += one.memory_info().rss
            busy |= {(one.pid, thread.id): thread.user_time + thread.system_time for thread in one.threads()}
        except psutil.Error:
            continue
    return resident


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def first_rows(library: Path, rows: int, out: Path) -> Path:
    """Write the head of a gzipped text library."""
    with gzip.open(library, "rt", encoding="utf-8") as lines, gzip.open(out, "wt", encoding="utf-8") as head:
        for number, line in enumerate(lines):
            if number > rows:
                break
            head.write(line)
    return out


def repeat_library(library: Path, copies: int, out: Path) -> None:
    """Write a library several times over, its title once."""
    with gzip.open(library, "rt", encoding="utf-8") as lines, gzip.open(out, "wt", encoding="utf-8") as written:
        title, *rows = lines
        written.write(title)
        for _ in range(copies):
            written.writelines(rows)


def screen_shard(costs: Measurements, library: Path, rows: int, work: Path, of: str = "library") -> None:
    """The stages of one shard, on one thread and on several."""
    records, prepared, triage = (work / of / name / "00000.parquet" for name in ("records", "prepared", "triage"))
    costs.run(["ingest", str(library), f"--out={records.parent}", "--shard-size=1000000"], rows)
    duplicates = work / of / "duplicates.parquet"
    for threads in dict.fromkeys((costs.threads, 1)):
        costs.run(["prepare", str(records), str(prepared), f"--workers={threads}"], rows, threads)
    deduplicate(costs, work / of, rows)
    for threads in dict.fromkeys((costs.threads, 1)):
        command = ["triage", str(prepared), str(triage), f"--duplicates={duplicates}", TRIAGE, f"--threads={threads}"]
        costs.run([*command, "--device=cpu"], rows, threads)


def deduplicate(costs: Measurements, folder: Path, rows: int) -> None:
    """The only stage that does without Dask where there is one shard."""
    command = ["deduplicate", str(folder / "prepared"), str(folder / "duplicates.parquet")]
    costs.run([*command, "--max-rejected-fraction=1", f"--workers={costs.threads}"], rows, costs.threads)


def copy_shard(work: Path, copies: int, out: Path) -> None:
    """Write copies of the shard of a run, each under record ids and identities of its own."""
    for name in ("records", "prepared", "triage"):
        table = pq.read_table(work / "library" / name / "00000.parquet")
        rows = pq.read_metadata(work / "library" / "records" / "00000.parquet").num_rows
        for copy in range(copies):
            ids = pa.array(table["record_id"].to_numpy() + copy * rows)
            part = table.set_column(table.column_names.index("record_id"), table.schema.field("record_id"), ids)
            if name == "prepared":
                place = table.column_names.index("identity")
                part = part.set_column(place, table.schema.field("identity"), _other_identities(table, copy))
            write_table(out / "library" / name / f"{copy:05d}.parquet", part, table.schema)
    # The first copy has the record ids of the original: what was found out about its shortlist holds here too.
    for name in ("shortlist.parquet", "refined/00000.parquet", "inspected.parquet"):
        (out / "library" / name).parent.mkdir(exist_ok=True)
        shutil.copy(work / "library" / name, out / "library" / name)
    manifest = json.loads((work / "library" / "records" / "manifest.json").read_text())
    manifest["files"][0]["rows"] *= copies
    (out / "library" / "records" / "manifest.json").write_text(json.dumps(manifest))


def _other_identities(table: pa.Table, copy: int) -> pa.Array:
    changed = [None if key is None else bytes([key[0] ^ copy, *key[1:]]) for key in table["identity"].to_pylist()]
    return pa.array(changed, pa.binary(_IDENTITY_BYTES))


def finish_run(costs: Measurements, work: Path, rows: int, size: int, spiked: Path) -> None:
    """The stages from the shortlist to the published result set."""
    library, workers = work / "library", f"--workers={costs.threads}"
    is_new = not (library / "shortlist.parquet").exists()
    shortlist = library / "shortlist.parquet" if is_new else work / "another_shortlist.parquet"
    options = [PROFILE, REFINE, TRIAGE, workers]
    costs.run(
        ["shortlist", str(library), str(shortlist), *options, f"--size={size}", f"--audit={size // 5}", "--seed=0"],
        rows,
        costs.threads,
    )
    if is_new:
        refine_and_inspect(costs, library, shortlist, pq.read_metadata(shortlist).num_rows)
    scores, hits = work / "scores", work / "hits.parquet"
    costs.run(
        ["score", str(library), str(scores), *options, "--hits=100", f"--summary={work / 'summary' / 'score.json'}"],
        rows,
        costs.threads,
    )
    passed_over = f"--passed-over={work / 'passed_over.parquet'}"
    costs.run(["select", str(library), str(hits), f"--scores={scores}", passed_over, PROFILE, REFINE, TRIAGE], rows)
    controls = work / "controls"
    controls.symlink_to(spiked)
    costs.run(
        [
            *("controls", str(controls), str(work / "controls.parquet"), f"--library={library}", f"--scores={scores}"),
            *(f"--controls={CONTROLS}", PROFILE, REFINE, TRIAGE, f"--decoys={work / 'decoys.parquet'}"),
            f"--judgement={work / 'judgement.json'}",
        ],
        rows,
    )
    report = work / "report.html"
    costs.run(["report", str(work), str(report), "--config={}"], rows)
    costs.run(
        ["publish", str(work), str(work / "published"), "--config={}", f"--report={report}", "--inchikey-limit=0"], rows
    )


def refine_and_inspect(costs: Measurements, folder: Path, shortlist: Path, rows: int) -> None:
    """The stages of a shortlist, without conformers, which not all of it get."""
    for threads in dict.fromkeys((costs.threads, 1)):
        command = ["refine", str(shortlist), str(folder / "refined" / "00000.parquet"), REFINE, "--chunk=0"]
        costs.run([*command, "--chunks=1", f"--threads={threads}", "--device=cpu"], rows, threads)
    for threads in dict.fromkeys((1, costs.threads)):
        costs.run([*inspection(folder, shortlist), "--conformers=0", f"--workers={threads}"], rows, threads)


def make_conformers(costs: Measurements, library: Path, compounds: int) -> None:
    """Inspect a shortlist a second time, with conformers."""
    command = inspection(library, library / "shortlist.parquet")
    command += [f"--conformers={compounds}", f"--workers={costs.threads}"]
    costs.run(command, compounds, costs.threads, stage="inspect with conformers")


def inspection(folder: Path, shortlist: Path) -> list[str]:
    """The command, without what says how many conformers and workers."""
    files = (shortlist, folder / "refined", folder / "inspected.parquet")
    return ["inspect", *map(str, files), PROFILE, REFINE, TRIAGE, f"--reference={REFERENCE}"]


def spike_controls(controls: Path) -> None:
    """Take the controls through the stages before theirs; what that costs is not of interest."""
    quiet = Measurements(threads=1)
    library = Path(f"{CONTROLS}::structure_column=smiles,id_column=name")
    screen_shard(quiet, library, 0, controls.parent, "controls")
    shortlist = controls / "shortlist.parquet"
    quiet.run(["shortlist", str(controls), str(shortlist), PROFILE, REFINE, TRIAGE, "--seed=0"], 0)
    refine_and_inspect(quiet, controls, shortlist, 0)


def disk(work: Path, rows: int) -> dict[str, float]:
    """Bytes a row of every table of the work folder and of the result set."""
    places = {
        **{name: work / "library" / name for name in ("records", "prepared", "triage")},
        "scores": work / "scores",
        "published": work / "published",
    }
    return {
        name: round(sum(path.stat().st_size for path in folder.rglob("*.parquet")) / rows, 1)
        for name, folder in places.items()
    }


def fitted(measured: Sequence[Mapping[str, Any]], shard_rows: int) -> dict[str, dict[str, float]]:
    """What a job and a row cost, from the smallest and the largest jobs of each stage (``molsieve.costs.Cost``).

    Memory is fitted on single shards: with more, as many are held at the same time as there are workers. A stage that
    reads batches needs what it needs for the largest.
    """
    found = {}
    for stage in dict.fromkeys(one["stage"] for one in measured):
        runs = [one for one in measured if one["stage"] == stage]
        alone = [one for one in runs if one["threads"] == min(other["threads"] for other in runs)]
        row_s, base_s = _line(alone, "cpu_s", NOISE_S)
        row_mb, base_mb = _line([one for one in alone if one["rows"] <= shard_rows], "memory_mb")
        cost = {"base_s": round(base_s, 1), "row_us": round(1e6 * row_s, 1), "base_mb": round(base_mb)}
        most = max(runs, key=lambda one: (one["rows"], one["threads"]))
        if most["threads"] > 1:
            even = 1 / most["threads"]
            busiest = most["busiest_thread_s"] / most["cpu_s"]
            cost["serial"] = round(min(1.0, max(0.0, (busiest - even) / (1 - even))), 2)
        if stage in HOLD_SHARDS:
            cost["shard_row_bytes"] = round(1e6 * row_mb)
        else:
            cost["base_mb"] = max(one["memory_mb"] for one in alone)
        single = [one for one in alone if one["rows"] == most["rows"] and one["threads"] == 1]
        if most["threads"] > 1 and single:
            more = (most["memory_mb"] - single[0]["memory_mb"]) / (most["threads"] - 1)
            cost["thread_mb"] = max(0, round(more))
        found[stage] = cost
    return found


def _line(runs: Sequence[Mapping[str, Any]], what: str, noise: float = 0.0) -> tuple[float, float]:
    """Slope and intercept through the smallest and the largest job; what drowns in the noise counts as the noise."""
    small, large = min(runs, key=lambda one: one["rows"]), max(runs, key=lambda one: one["rows"])
    if small["rows"] == large["rows"]:
        return 0.0, float(small[what])
    slope = max(noise, large[what] - small[what]) / (large["rows"] - small["rows"])
    return slope, max(0.0, small[what] - slope * small["rows"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    parser.add_argument("--rows", type=int, nargs=2, default=(20_000, 100_000))
    parser.add_argument("--copies", type=int, default=5, help="of the larger shard, for the stages of a whole library")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--folder", type=Path, help="keep the work folders here")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    costs = Measurements(arguments.threads)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        folder = Path(temporary)
        small, large = sorted(arguments.rows)
        spiked = folder / "spiked" / "controls"
        spike_controls(spiked)
        for rows, size in ((small, SHORTLIST // 5), (large, SHORTLIST)):
            library = first_rows(arguments.library, rows, folder / f"{rows}.tsv.gz")
            screen_shard(costs, library, rows, folder / str(rows))
            finish_run(costs, folder / str(rows), rows, size, spiked)
        make_conformers(costs, folder / str(small) / "library", 200)
        many = folder / "many"
        copy_shard(folder / str(large), arguments.copies, many)
        repeated = folder / "repeated.tsv.gz"
        repeat_library(folder / f"{large}.tsv.gz", arguments.copies, repeated)
        costs.run(["ingest", str(repeated), f"--out={folder / 'repeated'}"], large * arguments.copies)
        deduplicate(costs, many / "library", large * arguments.copies)
        finish_run(costs, many, large * arguments.copies, SHORTLIST, spiked)
        facts = {
            "library": arguments.library.name,
            "cores": len(os.sched_getaffinity(0)),
            "measured": costs.found,
            "fitted": fitted(costs.found, large),
            "bytes_a_row": disk(many, large * arguments.copies),
        }
    print(json.dumps({name: facts[name] for name in ("fitted", "bytes_a_row")}, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
