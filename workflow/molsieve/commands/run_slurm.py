"""What ``molsieve run --slurm`` does before Snakemake starts, and after it ended."""

import math
import shlex
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typer

from molsieve.cluster.executor_profile import executor_profile, profile_text, require_slurm
from molsieve.cluster.preflight import preflight
from molsieve.cluster.requests import asked_for
from molsieve.cluster.slurm import cancel, controller_name, jobs_of_run, slurm
from molsieve.config import Ingest, load_yaml
from molsieve.errors import MolsieveError
from molsieve.files import write_text
from molsieve.library.estimate import estimate_rows
from molsieve.library.source import LibrarySource
from molsieve.plan import Plan

_CANCEL_SECONDS = 120


def with_shard_size(values: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """A configuration with shards that keep a job busy for minutes, unless it names their size.

    A run that was started before keeps its shards: others would make all of its files anew.

    Args:
        values: The keys that differ from the defaults.
        plan: The same, checked.

    Raises:
        MolsieveError: A library cannot be read.

    """
    ingest = values.get("ingest", {})
    if "shard_size" in ingest:
        return values
    started = Path(plan.work) / "config.yaml"
    if started.is_file():
        size = load_yaml(started).get("ingest", {}).get("shard_size", Ingest().shard_size)
    else:
        from molsieve.forecast import recommended_shard_rows

        size = recommended_shard_rows(_library_rows(tuple(plan.config.libraries)), plan.config)
    return values | {"ingest": ingest | {"shard_size": size}}


@cache
def _library_rows(libraries: tuple[LibrarySource, ...]) -> int:
    """About how many rows there are; asked for twice in a run, and looks into every file."""
    return estimate_rows(libraries).rows


@dataclass(frozen=True)
class SlurmRun:
    """A run whose jobs go to Slurm.

    Attributes:
        plan: The run.
        folder: Profile of the site, or None for the shipped one.
        account: Slurm account, or None.
        partition: Partition, or None.
        gpu_partition: Partition of the rules that use a GPU, or None.
        shared_folder: The user knows that all nodes see the run's folders.

    """

    plan: Plan
    folder: Path | None
    account: str | None
    partition: str | None
    gpu_partition: str | None
    shared_folder: bool

    @property
    def run(self) -> str:
        """Name of the run."""
        return self.plan.config.run

    @property
    def work(self) -> Path:
        """Folder of its intermediate files."""
        return Path(self.plan.work)

    def check(self) -> None:
        """Find what is wrong before anything is submitted, and say what might be.

        Raises:
            MolsieveError: What is wrong, with the fix.

        """
        require_slurm()
        profile = self._profile()
        defaults = profile["default-resources"]
        warnings = preflight(
            asked_for(self.plan.config, profile, shards=self._shards(), library_bytes=self.plan.library_bytes),
            account=defaults.get("slurm_account"),
            partition=defaults.get("slurm_partition"),
            gpu_partition=self.gpu_partition,
            folders=[self.work],
            insist_folder=self.shared_folder,
        )
        for warning in warnings:
            typer.echo(f"warning: {warning}", err=True)

    def submit_controller(self, time_limit: str, arguments: list[str]) -> int:
        """Submit this very command as a job of its own, which submits the others; the job's number.

        Args:
            time_limit: Of that job, as sbatch takes it, e.g. ``2-00:00:00``.
            arguments: Of the command, without the option that asks for the controller.

        Raises:
            MolsieveError: Slurm refuses it.

        """
        logs = self.work / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        asked = [f"--account={self.account}"] if self.account else []
        asked += [f"--partition={self.partition}"] if self.partition else []
        number = slurm(
            "sbatch", "--parsable", f"--job-name={controller_name(self.run)}", f"--output={logs}/controller-%j.log",
            # A minute to cancel its jobs before its own time is up.
            f"--time={time_limit}", "--signal=B:TERM@60", "--no-requeue", "--cpus-per-task=1", "--mem=2000", *asked,
            f"--wrap=exec {shlex.join([sys.executable, '-m', 'molsieve', *arguments])}",
        )  # fmt: skip
        return int(number.partition(";")[0])

    def write_profile(self) -> Path:
        """Write the profile of this run beside its configuration; its folder goes to Snakemake."""
        folder = self.work / "profile"
        write_text(folder / "profile.yaml", profile_text(self._profile()))
        return folder

    def cancel_leftovers(self) -> None:
        """End the jobs of a Snakemake that was killed; they would write the files that this one's jobs write.

        Raises:
            MolsieveError: They do not end.

        """
        left = [job for job in jobs_of_run(self.run, Path.cwd()) if job.is_live]
        if not left:
            return
        numbers = ", ".join(str(job.number) for job in left)
        typer.echo(f"Cancelling what a Snakemake of this run that was killed left in the queue: {numbers}", err=True)
        cancel(left)
        end = time.monotonic() + _CANCEL_SECONDS
        while any(job.is_live for job in jobs_of_run(self.run, Path.cwd())):
            if time.monotonic() > end:
                raise MolsieveError(
                    f"jobs {numbers} do not end",
                    where="Slurm",
                    fix="Their node may hang. Wait until squeue shows them no more, then give the same command again.",
                )
            time.sleep(1)

    def _shards(self) -> int:
        """Shards of the library: what rules that go over all of it ask for follows from them."""
        read = len(list((self.work / "library" / "records").glob("*.parquet")))
        config = self.plan.config
        return read or math.ceil(_library_rows(tuple(config.libraries)) / config.ingest.shard_size)

    def _profile(self) -> dict[str, Any]:
        return executor_profile(
            self.folder,
            self.run,
            self.work,
            self.account,
            self.partition,
            self.gpu_partition,
            joins_dask=self.plan.config.dask.scheduler != "local",
        )
