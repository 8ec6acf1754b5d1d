"""What the finished Slurm jobs of a run asked for and what they used, with advice for the next one."""

import csv
import io
import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from molsieve.cluster.advice import RuleUse, advice
from molsieve.cluster.log_line import NEEDED_MEMORY, telling_line
from molsieve.cluster.slurm import slurm
from molsieve.files import write_text

_FIELDS = ("JobID", "State", "ElapsedRaw", "TimelimitRaw", "AllocCPUS", "TotalCPU", "AllocTRES", "MaxRSS", "NTasks",
           "TRESUsageInTot")  # fmt: skip
_ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL",
          "DEADLINE"}  # fmt: skip
_NUMBERS_A_CALL = 500
_ANSWERS_WITHIN_S = 30.0


@dataclass(frozen=True)
class JobUse:
    """A Slurm job that has ended.

    Attributes:
        number: Slurm's number.
        rule: Its rule; ``controls`` for all that is done for the controls.
        state: In Slurm's words; ``OUT_OF_MEMORY`` also where Slurm has no cgroups and says ``FAILED``.
        elapsed_s: How long it ran.
        limit_s: How long it was allowed to; 0 where there is no limit.
        cpus: CPUs it had.
        cpu_s: CPU time it used.
        memory_asked_mb: Memory it had.
        memory_peak_mb: Sum over its steps, which work at the same time; None when Slurm took no sample.
        tasks: Tasks of its largest step; more than one where srun starts Dask workers.

    """

    number: int
    rule: str
    state: str
    elapsed_s: int
    limit_s: int
    cpus: int
    cpu_s: float
    memory_asked_mb: float
    memory_peak_mb: float | None
    tasks: int


def jobs_used(logs: Path) -> list[JobUse]:
    """What the ended jobs of a run asked for and used.

    Args:
        logs: Folder of the Slurm logs, ``work/NAME/logs/slurm``, which tells the numbers of the jobs.

    Raises:
        MolsieveError: There is no accounting, or it does not answer.

    """
    rules = {int(log.stem): (_rule(log.relative_to(logs)), log) for log in logs.rglob("*.log") if log.stem.isdigit()}
    jobs = []
    known = sorted(rules)
    for numbers in (known[first : first + _NUMBERS_A_CALL] for first in range(0, len(known), _NUMBERS_A_CALL)):
        printed = slurm(
            "sacct", "--parsable2", "--noheader", f"--jobs={','.join(map(str, numbers))}",
            f"--format={','.join(_FIELDS)}", timeout_s=_ANSWERS_WITHIN_S,
        )  # fmt: skip
        jobs += [_with_rule(job, *rules[job.number]) for job in parse_accounting(printed) if job.number in rules]
    return jobs


def parse_accounting(printed: str) -> Iterator[JobUse]:
    """Jobs that have ended, from what sacct printed: a line a job, and below it a line for each of its steps."""
    lines = [dict(zip(_FIELDS, line.split("|"), strict=True)) for line in printed.splitlines()]
    steps = defaultdict(list)
    for line in lines:
        number, _, step = line["JobID"].partition(".")
        # The extern step holds nothing but Slurm's own sleep.
        if step and step != "extern":
            steps[number].append(line)
    for line in lines:
        state = line["State"].partition(" ")[0]
        if not line["JobID"].isdigit() or state not in _ENDED:
            continue
        own = steps[line["JobID"]]
        peaks = [_megabytes(_tres(step["TRESUsageInTot"]).get("mem") or step["MaxRSS"]) for step in own]
        yield JobUse(
            number=int(line["JobID"]),
            rule="",
            state=state,
            elapsed_s=int(line["ElapsedRaw"] or 0),
            limit_s=60 * int(line["TimelimitRaw"]) if line["TimelimitRaw"].isdigit() else 0,
            cpus=int(line["AllocCPUS"] or 0),
            cpu_s=_seconds(line["TotalCPU"]),
            memory_asked_mb=_megabytes(_tres(line["AllocTRES"]).get("mem", "")),
            memory_peak_mb=sum(peaks) or None,
            tasks=max((int(step["NTasks"] or 0) for step in own), default=0),
        )


def rules_used(jobs: Iterable[JobUse]) -> list[RuleUse]:
    """The jobs by rule, in the order of their first jobs, with advice."""
    by_rule: dict[str, list[JobUse]] = {}
    for job in sorted(jobs, key=lambda job: job.number):
        by_rule.setdefault(job.rule, []).append(job)
    return [_rule_use(rule, own) for rule, own in by_rule.items()]


def write_efficiency(rules: Sequence[RuleUse], path: Path) -> None:
    """Write efficiency.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(RuleUse)]
    writer.writerow(names)
    for rule in rules:
        values = [getattr(rule, name) for name in names]
        writer.writerow([_cell(value) for value in values])
    write_text(path, text.getvalue())


def _rule_use(rule: str, jobs: Sequence[JobUse]) -> RuleUse:
    states = [job.state for job in jobs]
    completed = [job for job in jobs if job.state == "COMPLETED"]
    ran = completed or jobs
    cpu_time = sum(job.elapsed_s * job.cpus for job in completed)
    use = RuleUse(
        rule=rule,
        jobs=len(jobs),
        completed=len(completed),
        over_memory=states.count("OUT_OF_MEMORY"),
        over_time=states.count("TIMEOUT"),
        cancelled=sum(state in ("CANCELLED", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE") for state in states),
        failed=states.count("FAILED"),
        cpus=max(job.cpus for job in jobs),
        cpu_used=sum(job.cpu_s for job in completed) / cpu_time if cpu_time else None,
        cpu_hours=sum(job.elapsed_s * job.cpus for job in jobs) / 3600,
        memory_asked_mb=min(job.memory_asked_mb for job in jobs),
        memory_peak_mb=max((job.memory_peak_mb for job in completed if job.memory_peak_mb), default=None),
        minutes_asked=min(job.limit_s for job in jobs) / 60,
        minutes_longest=max(job.elapsed_s for job in ran) / 60,
        seconds_median=statistics.median(job.elapsed_s for job in ran),
        advice=(),
    )
    return replace(use, advice=tuple(advice(use, tasks=max(job.tasks for job in jobs))))


def _with_rule(job: JobUse, rule: str, log: Path) -> JobUse:
    state = job.state
    # Without cgroups Slurm ends a job over its memory as well, and only its log says why.
    if state == "FAILED" and (told := telling_line([log])) and told[0].startswith(NEEDED_MEMORY):
        state = "OUT_OF_MEMORY"
    return replace(job, rule=rule, state=state)


def _rule(log: Path) -> str:
    """Rule of a log below the folder of Slurm's logs: ``rule_prepare/library_00003/17.log``."""
    rule = log.parts[0].removeprefix("rule_")
    of_controls = rule == "ingest_controls" or any(part.startswith("controls") for part in log.parts[1:-1])
    return "controls" if of_controls else rule


def _tres(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)


def _megabytes(text: str) -> float:
    """Megabytes (of 2^20 bytes) of ``497812K``, ``500M``, ``1.50G``; 0 where there is no figure."""
    found = re.match(r"([\d.]+)([KMGT]?)", text)
    if not found:
        return 0.0
    return float(found[1]) * {"": 2**-20, "K": 2**-10, "M": 1, "G": 2**10, "T": 2**20}[found[2]]


def _seconds(text: str) -> float:
    """Seconds of ``[days-[hours:]]minutes:seconds.milliseconds``."""
    days, _, rest = text.rpartition("-")
    seconds = 0.0
    for part in rest.split(":"):
        seconds = 60 * seconds + float(part or 0)
    return 86_400 * int(days or 0) + seconds


def _cell(value: object) -> object:
    if isinstance(value, tuple):
        return "; ".join(value)
    return round(value, 3) if isinstance(value, float) else value
