"""What the Slurm jobs of a run asked for and used, for the reader; ``molsieve run --slurm`` ends with it."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType

from molsieve.cluster.advice import RuleUse
from molsieve.cluster.efficiency import jobs_used, rules_used, write_efficiency
from molsieve.commands.terminal import console, number, percent, table
from molsieve.errors import MolsieveError


def report_efficiency(work: Path) -> None:
    """Print the table with the advice and write it to ``efficiency.csv``; says so where accounting does not answer.

    Args:
        work: Folder of the run, ``work/NAME``.

    """
    out = console()
    try:
        rules = rules_used(jobs_used(work / "logs" / "slurm"))
    except MolsieveError as error:
        # Slurm says it several times over; the last line is the shortest.
        said = error.what.splitlines()[-1].rpartition("error: ")[2]
        out.print(f"What the jobs used is not known, as accounting does not answer: {said}", markup=False)
        return
    if rules:
        write_efficiency(rules, work / "efficiency.csv")
        out.print(efficiency_page(rules))


def efficiency_page(rules: Sequence[RuleUse]) -> RenderableType:
    """The jobs by rule, and the advice."""
    rows = [
        [
            rule.rule,
            _ended(rule),
            str(rule.cpus),
            percent(rule.cpu_used, 0),
            f"{rule.cpu_hours:,.1f}",
            f"{rule.memory_asked_mb:,.0f}",
            "-" if rule.memory_peak_mb is None else f"{rule.memory_peak_mb:,.0f}",
            f"{rule.minutes_asked:,.0f}",
            number(rule.minutes_longest, 1),
        ]
        for rule in rules
    ]
    headings = ["rule", "jobs", "CPUs", "CPU used", "CPU hours", "MB asked", "MB peak", "min asked", "min longest"]
    advice = [[rule.rule, words] for rule in rules for words in rule.advice]
    parts: list[RenderableType] = [table("What the Slurm jobs asked for and used", headings, rows, text_columns=2)]
    if advice:
        parts += ["", table("Advice for the profile and the settings", ["", ""], advice, text_columns=2)]
    return Group(*parts)


def _ended(rule: RuleUse) -> str:
    """How many jobs there were, and how those ended that did not complete."""
    others = {
        "over memory": rule.over_memory, "over time": rule.over_time, "failed": rule.failed,
        "cancelled": rule.cancelled,
    }  # fmt: skip
    words = [f"{count:,} {word}" for word, count in others.items() if count]
    return f"{rule.jobs:,}" + (f" ({', '.join(words)})" if words else "")
