r"""What a job on Slurm costs beside the work of its stage, from a run whose jobs Slurm still knows.

Wall seconds are Slurm's: submitted, started, ended. The stage's own are those of its summary, and do not hold the start
of its Python. Processor seconds are those of all steps of the job, and beside them what the stage costs
(``molsieve.costs``). A busy machine lengthens the former and hardly the latter; how busy it was in the last five
minutes is written down. Needs Slurm's accounting.

    molsieve run rdkit:NCI/first_5K.smi --slurm --out results/overhead --set controls.enabled=false \
        --set ingest.shard_size=500 --set prepare.threads=1 --set triage.threads=1 --snakemake predict_library
    python benchmarks/slurm_overhead.py work/overhead --json benchmarks/slurm_overhead.json
"""

import argparse
import json
import os
import statistics
from collections.abc import Iterable
from pathlib import Path

from molsieve.cluster.efficiency import JobUse, jobs_used
from molsieve.cluster.slurm import slurm
from molsieve.costs import COSTS

RULES = ("ingest", "prepare", "triage")
"""Those with one process and one summary a job."""


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="Work folder of a finished run.")
    parser.add_argument("--json", type=Path, help="Where to write the figures.")
    arguments = parser.parse_args()
    busy = {"cores": os.cpu_count(), "load_average_5_min": round(os.getloadavg()[1], 1)}
    found = json.dumps(busy | {"rules": overhead(arguments.work)}, indent=1)
    print(found)
    if arguments.json:
        arguments.json.write_text(found + "\n")


def overhead(work: Path) -> dict[str, dict[str, float]]:
    """Medians in seconds over the jobs of a rule that completed."""
    logs = work / "logs" / "slurm"
    log_of = {int(log.stem): log for rule in RULES for log in (logs / f"rule_{rule}").rglob("*.log")}
    of_rules: dict[str, list[dict[str, float]]] = {}
    jobs = [job for job in jobs_used(logs) if job.rule in RULES and job.state == "COMPLETED"]
    waited = _seconds_waited(job.number for job in jobs)
    for job in jobs:
        summary = json.loads((work / "summary" / _summary(job.rule, log_of[job.number])).read_text())
        of_rules.setdefault(job.rule, []).append(_seconds(job, summary) | {"waited_s": waited[job.number]})
    return {
        rule: {"jobs": len(times)}
        | {name: round(statistics.median(time[name] for time in times), 1) for name in times[0]}
        for rule, times in of_rules.items()
    }


def _seconds(job: JobUse, summary: dict[str, float]) -> dict[str, float]:
    of_stage = COSTS[job.rule].core_seconds(int(summary["rows"]))
    return {
        "ran_s": job.elapsed_s,
        "beside_stage_s": job.elapsed_s - summary["seconds"],
        "processor_s": job.cpu_s,
        "beside_stage_processor_s": job.cpu_s - of_stage,
    }


def _seconds_waited(numbers: Iterable[int]) -> dict[int, float]:
    """Between submission and start, by job."""
    os.environ["SLURM_TIME_FORMAT"] = "%s"  # seconds since the epoch
    which = f"--jobs={','.join(map(str, numbers))}"
    said = slurm("sacct", "--allocations", "--parsable2", "--noheader", which, "--format=JobID,Submit,Start")
    times = (map(int, line.split("|")) for line in said.splitlines())
    return {number: started - submitted for number, submitted, started in times}


def _summary(rule: str, log: Path) -> str:
    """Name of the summary of a job whose log is ``rule_prepare/library_00003/17.log``."""
    return f"{rule}.json" if rule == "ingest" else f"{rule}-{log.parent.name.replace('_', '-')}.json"


if __name__ == "__main__":
    main()
