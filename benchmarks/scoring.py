"""Scoring a million triaged compounds: time, processor seconds and memory of the stages shortlist, score and select.

    python benchmarks/scoring.py --work work/demo --profile amr-gram-negative

The library is that of a finished run, repeated up to the size asked for, every repetition with its predictions moved a
little at random, so that there are as many different scores as compounds and the statistics are those of real
predictions. Refined predictions and structure checks are those of the run as well, for a shortlist chosen anew.
Making the library takes a minute and 1 GB of disk, and is not counted.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from molsieve import project_root
from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.files import write_table

SHARD_ROWS = 122_880
# Standard deviation of the change of a prediction, in log odds.
NOISE = 0.3
MODELS = [f"--model={project_root() / 'resources' / 'models' / name}" for name in ("refine", "triage")]


def moved(table: pa.Table, random: np.random.Generator) -> pa.Table:
    """Move every probability of a table a little."""
    for name in [column for column in table.column_names if column.endswith("_prob")]:
        p = np.clip(table[name].to_numpy(), 1e-6, 1 - 1e-6)
        logits = np.log(p / (1 - p)) + random.normal(0, NOISE, len(p))
        values = pa.array(1 / (1 + np.exp(-logits)), pa.float32())
        table = table.set_column(table.column_names.index(name), name, values)
    return table


def numbered(table: pa.Table, first: int, rows: int) -> pa.Table:
    """Repeat a table up to so many rows, numbered from ``first``."""
    repeated = table.take(pa.array(np.arange(rows) % table.num_rows))
    ids = pa.array(np.arange(first, first + rows))
    return repeated.set_column(repeated.column_names.index("record_id"), "record_id", ids)


def make_library(run: Path, folder: Path, compounds: int) -> None:
    """Write records, prepared and triage shards of a repeated library."""
    random = np.random.default_rng(0)
    triage = pa.concat_tables([pq.read_table(path) for path in sorted((run / "triage").glob("*.parquet"))])
    ids = triage["record_id"].combine_chunks()
    properties = ["record_id", "parent_smiles", *(column.name for column in DESCRIPTORS)]
    prepared, records = (
        pa.concat_tables(
            [pq.read_table(path, columns=columns) for path in sorted((run / name).glob("*.parquet"))]
        ).combine_chunks()
        for name, columns in (("prepared", properties), ("records", None))
    )
    prepared, records = (
        table.take(pc.index_in(ids, table["record_id"].combine_chunks())) for table in (prepared, records)
    )
    for number, first in enumerate(range(0, compounds, SHARD_ROWS)):
        rows = min(SHARD_ROWS, compounds - first)
        tables = {"prepared": prepared, "records": records, "triage": triage}
        for name, table in tables.items():
            part = numbered(table, first, rows)
            part = moved(part, random) if name == "triage" else part
            write_table(folder / name / f"{number:05d}.parquet", part, part.schema)


def fill_shortlist(run: Path, folder: Path) -> int:
    """Write refined predictions and structure checks of the shortlist, taken in turn from those of the run."""
    wanted = pq.read_table(folder / "shortlist.parquet", columns=["record_id"])["record_id"].combine_chunks()
    refined = pa.concat_tables([pq.read_table(path) for path in sorted((run / "refined").glob("*.parquet"))])
    inspected = pq.read_table(run / "inspected.parquet")
    at = pa.array(np.arange(len(wanted)) % min(refined.num_rows, inspected.num_rows))
    for path, table in ((folder / "refined" / "00000.parquet", refined), (folder / "inspected.parquet", inspected)):
        part = table.take(at)
        part = part.set_column(part.column_names.index("record_id"), "record_id", wanted)
        write_table(path, part, part.schema)
    return len(wanted)


def measured(command: list[str]) -> dict[str, float]:
    """Run a stage in a process of its own; wall and processor seconds, and its largest resident memory."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "molsieve", *command], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"molsieve {command[0]} failed")
    return {
        "wall_s": round(time.perf_counter() - started, 1),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_gb": round(usage.ru_maxrss / 1e6, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("work/demo"))
    parser.add_argument("--profile", default="amr-gram-negative")
    parser.add_argument("--compounds", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/scoring.json"))
    arguments = parser.parse_args()
    profile = project_root() / "config" / "profiles" / f"{arguments.profile}.yaml"
    run = arguments.work / "library"
    with tempfile.TemporaryDirectory(dir=arguments.work.parent) as temporary:
        folder, scores = Path(temporary) / "library", Path(temporary) / "scores"
        make_library(run, folder, arguments.compounds)
        common = [f"--profile={profile}", *MODELS]
        dask = [f"--workers={arguments.workers}"]
        shortlist = [str(folder), str(folder / "shortlist.parquet"), *common, *dask]
        stages = {"shortlist": measured(["shortlist", *shortlist])}
        inspected = fill_shortlist(run, folder)
        stages["score"] = measured(["score", str(folder), str(scores), *common, *dask])
        hits = [str(folder), str(Path(temporary) / "hits.parquet"), f"--scores={scores}", *common]
        stages["select"] = measured(["select", *hits])
        table = pq.read_table(scores, columns=["score", "rank"])
        found = {
            "compounds": table.num_rows,
            "distinct_scores": int(pc.max(table["rank"]).as_py()),
            "inspected": inspected,
            "profile": arguments.profile,
            "workers": arguments.workers,
            "cores": len(os.sched_getaffinity(0)),
            "shard_rows": SHARD_ROWS,
            "stages": stages,
            "minutes": round(sum(stage["wall_s"] for stage in stages.values()) / 60, 2),
        }
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
