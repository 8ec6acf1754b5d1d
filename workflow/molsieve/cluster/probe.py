"""A small job on a partition that tells what compute nodes see: the folder, the clock, Python, the GPU."""

import json
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import molsieve
from molsieve.cluster.slurm import slurm
from molsieve.errors import MolsieveError

NOT_SEEN, NOT_WRITTEN, NO_PYTHON, PYTHON_FAILED = 10, 11, 12, 13
"""Exit statuses of the job: it cannot read the folder, not write there, finds no interpreter, or that one fails."""

_POLL_S = 0.5
# Clients of a network file system look for new files only so often.
_FILES_LATE_S = 60

_JOB = """#!/bin/sh
date +%s.%N > {answer}.clock 2>/dev/null
read -r seen < {question} 2>/dev/null
[ "$seen" = {token} ] || exit {not_seen}
echo {token} 2>/dev/null > {answer}.written || exit {not_written}
[ -x {python} ] || exit {no_python}
PYTHONPATH={path} {python} - {answer}.json <<'NODE_REPORT' || exit {python_failed}
{report}
NODE_REPORT
"""


@dataclass(frozen=True)
class Probe:
    """A job to send.

    Attributes:
        partition: Where to; the site's name for it.
        options: Options of sbatch, such as the account and the GPU.
        gpu: Whether it asks for a GPU.
        minutes: Its time limit.

    """

    partition: str
    options: tuple[str, ...] = ()
    gpu: bool = False
    minutes: int = 5


@dataclass
class Answer:
    """What came of a probe.

    Attributes:
        probe: The job sent.
        refused: Slurm's words where it did not take the job.
        job: Its number.
        state: In Slurm's words, e.g. ``COMPLETED``, ``PENDING``.
        reason: Why it waits, or ended.
        exit_status: Of the job's script.
        node: Where it ran.
        facts: What the node reported (:mod:`molsieve.cluster.node_report`); None when nothing came back.
        written: Whether a file that the job wrote is seen here.
        not_before: When it had not started yet, in seconds since 1970 by this machine's clock.
        clock_s: Seconds by which the node's clock is ahead of this one's, at least and at most.

    """

    probe: Probe
    refused: str | None = None
    job: int | None = None
    state: str = "PENDING"
    reason: str = ""
    exit_status: int | None = None
    node: str = ""
    facts: dict[str, Any] | None = None
    written: bool = False
    not_before: float = 0.0
    clock_s: tuple[float, float] | None = None

    @property
    def is_over(self) -> bool:
        """Whether the job has ended or never was."""
        return self.refused is not None or self.state not in _LIVE


_LIVE = ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED")


def ask(
    probes: Sequence[Probe], folder: Path, timeout_s: float, watch: Callable[[list[Answer], float], None]
) -> list[Answer]:
    """Send the jobs, all at once, and wait for them; whatever happens, none is left behind.

    Args:
        probes: Jobs to send.
        folder: Folder that they read from and write to, and that must exist.
        timeout_s: Seconds to wait for all of them.
        watch: Called about twice a second with the answers so far and the seconds left.

    """
    with tempfile.TemporaryDirectory(prefix=".molsieve-doctor-", dir=folder, ignore_cleanup_errors=True) as place:
        shared = Path(place).resolve()
        answers: list[Answer] = []
        try:
            for number, probe in enumerate(probes):
                answers.append(_send(probe, shared, number))
            end = time.monotonic() + timeout_s
            while not all(answer.is_over for answer in answers) and time.monotonic() < end:
                watch(answers, end - time.monotonic())
                time.sleep(_POLL_S)
                for number, answer in enumerate(answers):
                    if not answer.is_over and _has_ended(answer):
                        _read(answer, shared / str(number))
        finally:
            live = [str(answer.job) for answer in answers if not answer.is_over]
            if live:
                slurm("scancel", "--quiet", *live)
        return answers


def _send(probe: Probe, shared: Path, number: int) -> Answer:
    question, script = shared / "question", shared / f"{number}.sh"
    token = shared.name
    question.write_text(f"{token}\n")
    names = {
        "answer": shared / str(number),
        "question": question,
        "token": token,
        "python": sys.executable,
        "path": Path(molsieve.__file__).parents[1],
    }
    script.write_text(
        _JOB.format(
            **{name: shlex.quote(str(value)) for name, value in names.items()},
            not_seen=NOT_SEEN,
            not_written=NOT_WRITTEN,
            no_python=NO_PYTHON,
            python_failed=PYTHON_FAILED,
            report=Path(__file__).with_name("node_report.py").read_text(encoding="utf-8"),
        )
    )
    answer = Answer(probe, not_before=time.time())
    try:
        printed = slurm(
            "sbatch", "--parsable", "--job-name=molsieve-doctor", "--output=/dev/null", "--chdir=/", "--no-requeue",
            "--nodes=1", "--ntasks=1", f"--time={probe.minutes}", f"--partition={probe.partition}", *probe.options,
            str(script),
        )  # fmt: skip
        answer.job = int(printed.strip().split(";")[0])
    except MolsieveError as error:
        answer.refused = error.what.rpartition("error: ")[2]
    return answer


def _has_ended(answer: Answer) -> bool:
    """Ask Slurm where a job stands, and say whether it is over."""
    try:
        printed = slurm("scontrol", "--oneliner", "show", "job", str(answer.job))
    except MolsieveError as error:
        # A controller that forgets ended jobs at once says so; one that is busy is asked again.
        if "Invalid job id" in error.what:
            answer.state = "FORGOTTEN"
        return answer.is_over
    keys = dict(re.findall(r"(\S+?)=(\S*)", printed))
    answer.state, answer.reason = keys["JobState"], keys.get("Reason", "").replace("_", " ")
    answer.node = keys.get("BatchHost", "") or keys.get("NodeList", "").replace("(null)", "")
    answer.exit_status = int(keys.get("ExitCode", "0:0").split(":")[0])
    if answer.state == "PENDING":
        answer.not_before = time.time()
    return answer.is_over


def _read(answer: Answer, files: Path) -> None:
    """Take what an ended job wrote, as soon as this machine sees it."""
    seen = time.time()
    end = time.monotonic() + (_FILES_LATE_S if answer.exit_status == 0 else 0)
    facts, clock = files.with_suffix(".json"), files.with_suffix(".clock")
    while not facts.exists() and time.monotonic() < end:
        list(files.parent.iterdir())  # makes a network file system look again
        time.sleep(_POLL_S)
    answer.written = files.with_suffix(".written").exists()
    if facts.exists():
        answer.facts = json.loads(facts.read_text(encoding="utf-8"))
        # The job started after it was last seen waiting, and had ended when that was seen.
        answer.clock_s = answer.facts["clock"] - seen, float(clock.read_text()) - answer.not_before
