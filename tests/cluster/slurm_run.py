"""A run on the cluster, in a folder of its own, that a test can watch and disturb."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from molsieve import project_root
from molsieve.cluster.lease import read_lease
from molsieve.cluster.slurm import Job, cancel, jobs_of_run

NAME = "small"
FINISH_SECONDS = 900
WAIT_SECONDS = 300
WORKERS = 2
DASK_RULES = ("deduplicate", "shortlist", "inspect", "score")
# Two shards and no controls: few jobs, as each costs seconds.
SETTINGS = (
    "controls.enabled=false", "ingest.shard_size=210", "refine.chunk_rows=10000", "prepare.threads=1",
    "triage.threads=1", "refine.threads=2",
)  # fmt: skip


@dataclass
class SlurmRun:
    """``molsieve run --slurm`` in a folder."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    settings: dict[str, dict[str, object]] = field(default_factory=dict)
    """Resources of rules that differ from the shipped profile."""
    earlier: set[int] = field(default_factory=set)
    """Jobs of an earlier session of tests in a folder of this name, which Slurm still remembers."""

    def __post_init__(self) -> None:
        self.earlier = {job.number for job in jobs_of_run(NAME, self.folder)}

    @property
    def work(self) -> Path:
        return self.folder / "work" / NAME

    @property
    def results(self) -> Path:
        return self.folder / "results" / NAME

    def copied_to(self, folder: Path) -> "SlurmRun":
        """The same run elsewhere."""
        shutil.copytree(self.folder, folder, symlinks=True)
        shutil.rmtree(folder / "work" / NAME / "logs" / "slurm", ignore_errors=True)
        return SlurmRun(folder)

    def wind_back(self, *outputs: str) -> None:
        """Delete what was published, and these outputs below the work folder, so that their rules run again."""
        shutil.rmtree(self.results)
        for output in outputs:
            for path in self.work.glob(output):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def start(self, *options: str) -> None:
        """Start the run; what it prints goes to a file."""
        self.starts += 1
        command = [sys.executable, "-m", "molsieve", "run", "library.csv", "--slurm", "--out", f"results/{NAME}"]
        command += ["--slurm-profile", str(self._profile()), "--shared-folder", *options]
        for setting in SETTINGS:
            command += ["--set", setting]
        with self._output().open("wb") as out:
            # A session of its own, as a login has one.
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )

    def finish(self, *, status: int = 0) -> str:
        """Wait for the end; what was printed."""
        assert self.process is not None
        try:
            ended = self.process.wait(FINISH_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running after {FINISH_SECONDS} s\n{self.printed()}") from None
        printed = self.printed()
        assert ended == status, printed
        return printed

    def printed(self) -> str:
        """What the last start printed so far."""
        return self._output().read_text(errors="replace")

    def kill_login(self) -> None:
        """End `molsieve run` and its Snakemake at once, as a reboot of the login node does; the jobs go on."""
        assert self.process is not None
        lease = read_lease(self.work) or {}
        for process in {self.process.pid, *lease.get("snakemake", ())[:1]}:
            with suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
        self.process.wait()

    def kill(self) -> None:
        """End everything of this run at once, its jobs too."""
        if self.process is not None and self.process.poll() is None:
            self.kill_login()
        cancel([job for job in self.jobs() if job.is_live])

    def jobs(self, rule: str = "") -> list[Job]:
        """This run's jobs, of one rule or all."""
        found = jobs_of_run(NAME, self.folder)
        return [job for job in found if job.number not in self.earlier and job.what.startswith(f"rule_{rule}")]

    def running(self, rule: str, seconds: float = WAIT_SECONDS) -> Job:
        """The first job of a rule, once it runs."""
        found: list[Job] = []

        def runs() -> bool:
            found[:] = [job for job in self.jobs(rule) if job.state == "RUNNING"]
            return bool(found)

        self.wait_until(runs, f"a job of {rule} to run", seconds)
        return found[0]

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait while the run goes on."""
        end = time.monotonic() + seconds
        while not ready():
            assert self.process is None or self.process.poll() is None, f"ended before {what}\n{self.printed()}"
            assert time.monotonic() < end, f"gave up waiting for {what}\n{self.printed()}"
            time.sleep(0.2)

    def tables(self) -> dict[str, str]:
        """Digests of what the published tables hold; what they say of the commit that wrote them is left out."""
        found = {}
        for file in sorted(self.results.rglob("*.parquet")):
            table = pq.read_table(file).replace_schema_metadata(None)
            with pa.BufferOutputStream() as sink, pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
            found[str(file.relative_to(self.results))] = hashlib.sha256(sink.getvalue()).hexdigest()
        assert found, "nothing was published"
        return found

    def processes(self, *words: str) -> list[int]:
        """Processes of this run's jobs whose command line holds these words."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                line = (entry / "cmdline").read_text().replace("\0", " ")
                inside = (entry / "cwd").readlink() == self.folder
            except OSError:
                continue
            if inside and all(word in line for word in words):
                found.append(int(entry.name))
        return sorted(found)

    def _profile(self) -> Path:
        """The shipped profile, but with the polling of a cluster whose jobs last seconds."""
        profile = yaml.safe_load((project_root() / "workflow" / "profiles" / "slurm" / "profile.yaml").read_text())
        profile["slurm-init-seconds-before-status-checks"] = 3
        for rule in DASK_RULES:
            # As few workers as two nodes can have.
            profile["set-resources"][rule] |= {"tasks": WORKERS, "nodes": 2}
        for rule, resources in self.settings.items():
            profile["set-resources"][rule] = profile["set-resources"].get(rule, {}) | resources
        file = self.folder / "site" / "profile.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(profile))
        return file.parent

    def _output(self) -> Path:
        return self.folder / f"start-{self.starts}.log"


def molsieve(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A molsieve command in a folder."""
    command = [sys.executable, "-m", "molsieve", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
