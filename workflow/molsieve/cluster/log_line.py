"""The line of a failed job's logs that says most."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

NEEDED_MEMORY = "it needed more memory: "
NOTHING_SAID = "ended from outside (interrupted, or killed for its memory); its log says nothing"
_TAIL_BYTES = 64_000
# The command line's own errors; what Slurm writes when it ends a job, with what that means; and the last line of a
# traceback, which stands at the left: `ValueError: ...`, `MemoryError`, `pyarrow.lib.ArrowInvalid: ...`.
_TELLING = (
    (re.compile(r"Error: (.+)"), ""),
    (re.compile(r"slurmstepd\S*: error: (.*(?:memory limit|oom.?kill).*)", re.IGNORECASE), NEEDED_MEMORY),
    (re.compile(r"slurmstepd\S*: error: (.*DUE TO TIME LIMIT.*)"), "it needed more time: "),
    (re.compile(r"slurmstepd\S*: error: (.+)"), ""),
    (re.compile(r"([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Invalid)(?::.*)?)$"), ""),
)
# Slurm's log holds the output of the Snakemake in the job, whose own errors only say that there was one.
_EMPTY_WORDS = ("WorkflowError", "CalledProcessError")


def telling_line(logs: Sequence[Path]) -> tuple[str, Path] | None:
    """What a failed job's logs say about the failure, and which of them does; None when they say nothing.

    Args:
        logs: The job's own log first, then Slurm's.

    """
    lines = [(line, log) for log in logs for line in _last_lines(log)]
    for pattern, meaning in _TELLING:
        for line, log in reversed(lines):
            found = pattern.match(line)
            if found and not line.startswith(_EMPTY_WORDS):
                return meaning + found[1].strip("* "), log
    own = [line for line in lines if line[1] == logs[0]] if logs else []
    return own[-1] if own else None


def _last_lines(log: Path) -> Iterator[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return
    yield from (line.rstrip() for line in text.splitlines() if line.strip())
