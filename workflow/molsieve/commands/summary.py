"""What a stage says when it is done: a line for the terminal, and JSON for the provenance of the run."""

import dataclasses
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from molsieve.files import write_text


class StageSummary:
    """Times a stage and takes its report; see :func:`summarised`."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.report: dict[str, Any] = {}

    def done(self, report: Any) -> None:  # noqa: ANN401 - any report dataclass
        """Take the report of the stage."""
        self.report = dataclasses.asdict(report)


@contextmanager
def summarised(stage: str, summary: Path | None) -> Iterator[StageSummary]:
    """Time the block, print one line about it, and write the JSON summary where one is asked for.

    Args:
        stage: Name of the stage.
        summary: File to write, or None.

    """
    started = time.time()
    result = StageSummary(stage)
    yield result
    seconds = time.time() - started
    shown = ", ".join(
        f"{name} {_short(value)}" for name, value in result.report.items() if name != "seconds" and value != {}
    )
    typer.echo(f"{stage}: {shown} ({seconds:.1f} s)")
    if summary:
        facts = {"stage": stage, "started": started, **result.report, "seconds": seconds}
        write_text(summary, json.dumps(facts, indent=1) + "\n")


def _short(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={entry}" for key, entry in value.items())
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value)
