"""What to ask Slurm for the next time, from what the jobs of a rule used."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

# Less is not worth asking for: Snakemake itself, which starts twice in a job, needs about this much.
_LEAST_MB = 500
_ROOM = 1.2
_SHORT_S = 60
_MANY_JOBS = 5
_SIZE_KEYS = {"prepare": "ingest.shard_size", "triage": "ingest.shard_size", "refine": "refine.chunk_rows"}
_THREAD_KEYS = {"prepare": "prepare.threads", "triage": "triage.threads", "refine": "refine.threads"}


@dataclass(frozen=True)
class RuleUse:
    """The jobs of a rule together; a row of efficiency.csv. Figures are over the jobs that completed.

    Attributes:
        rule: The rule.
        jobs: Jobs that ended, repetitions among them.
        completed: Those that ended well.
        over_memory: Those ended for their memory.
        over_time: Those ended at their time limit.
        cancelled: Those cancelled, preempted, or lost with their node.
        failed: Those that failed otherwise.
        cpus: CPUs of a job.
        cpu_used: Share of the CPU time that was used: CPU time / (elapsed time x CPUs).
        cpu_hours: CPU hours that all jobs had, also those that did not complete.
        memory_asked_mb: Memory of a job, the least where they differ, which is the first attempt's.
        memory_peak_mb: The largest that a job used.
        minutes_asked: Time limit of a job, the least where they differ.
        minutes_longest: The longest that a job ran.
        seconds_median: Half of the jobs ran shorter.
        advice: What to change, in words; empty where it is well.

    """

    rule: str
    jobs: int
    completed: int
    over_memory: int
    over_time: int
    cancelled: int
    failed: int
    cpus: int
    cpu_used: float | None
    cpu_hours: float
    memory_asked_mb: float
    memory_peak_mb: float | None
    minutes_asked: float
    minutes_longest: float
    seconds_median: float
    advice: tuple[str, ...]


def advice(use: RuleUse, tasks: int) -> Iterator[str]:
    """What to change, most urgent first; nothing about the controls, whose jobs are always small.

    Args:
        use: The jobs of a rule.
        tasks: Tasks of a job; with more than one, memory is asked for by the CPU.

    """
    if use.rule == "controls":
        return
    yield from _memory(use, tasks)
    yield from _time(use)
    yield from _cpus(use)


def _memory(use: RuleUse, tasks: int) -> Iterator[str]:
    def setting(megabytes: float) -> str:
        if tasks > 1:
            return f"set-resources {use.rule}: mem_mb_per_cpu={_up(megabytes / use.cpus, 100)}"
        return f"set-resources {use.rule}: mem_mb={_up(megabytes, 100)}"

    asked, peak = use.memory_asked_mb, use.memory_peak_mb
    if use.over_memory:
        enough = max(_ROOM * (peak or 0), 1.5 * asked)
        yield f"{_jobs(use.over_memory)} needed more than {asked:,.0f} MB: {setting(enough)}"
    elif peak and use.seconds_median >= _SHORT_S:
        # Slurm looks at the memory twice a minute at most sites, so of a short job it has not seen the most.
        wanted = max(_ROOM * peak, _LEAST_MB * max(tasks, 1))
        if wanted < asked / 2:
            yield f"asked for {asked:,.0f} MB and used at most {peak:,.0f} MB: {setting(wanted)}"


def _time(use: RuleUse) -> Iterator[str]:
    key = _SIZE_KEYS.get(use.rule)
    if use.over_time:
        smaller = f", or a smaller {key}" if key else ""
        minutes = _up(2 * use.minutes_asked, 5)
        yield (
            f"{_jobs(use.over_time)} needed more than {use.minutes_asked:,.0f} min: "
            f"set-resources {use.rule}: runtime={minutes}{smaller}"
        )
    elif use.minutes_asked > 60 and use.minutes_longest < use.minutes_asked / 4:
        minutes = _up(2 * use.minutes_longest, 10)
        yield (
            f"asked for {use.minutes_asked:,.0f} min and ran {use.minutes_longest:,.0f} min at the longest; short jobs "
            f"start sooner: set-resources {use.rule}: runtime={minutes}"
        )
    if key and use.completed >= _MANY_JOBS and use.seconds_median < _SHORT_S:
        yield f"half of {use.completed:,} jobs ran under {use.seconds_median:,.0f} s, mostly starting: a larger {key}"


def _cpus(use: RuleUse) -> Iterator[str]:
    busy = None if use.cpu_used is None else use.cpu_used * use.cpus
    if busy is not None and use.cpus > 1 and use.seconds_median >= _SHORT_S and busy < use.cpus / 2:
        key = _THREAD_KEYS.get(use.rule)
        setting = f"{key}={math.ceil(busy)}" if key else "fewer of them"
        yield f"kept {busy:.1f} of {use.cpus} CPUs busy: {setting}"


def _jobs(count: int) -> str:
    return f"{count:,} {'job' if count == 1 else 'jobs'}"


def _up(value: float, step: int) -> int:
    return math.ceil(value / step) * step
