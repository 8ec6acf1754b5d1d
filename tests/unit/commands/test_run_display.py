"""Snakemake shown at work: a real Snakemake on a Snakefile whose jobs do next to nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SNAKEFILE = """
rule all:
    input: "work/small/library/duplicates.parquet"

rule prepare:
    output: "work/small/library/prepared/{shard}.parquet"
    log: "work/small/logs/prepare-library-{shard}.log"
    shell: "( %s ) 2> {log}; touch {output}"

rule deduplicate:
    input: "work/small/library/prepared/00000.parquet", "work/small/library/prepared/00001.parquet"
    output: "work/small/library/duplicates.parquet"
    log: "work/small/logs/deduplicate-library.log"
    shell: "touch {output} 2> {log}"
"""
# Whoever runs the tests in the background may have these ignored.
SCRIPT = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.SIG_IGN if "background" in sys.argv else signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from molsieve.commands.run_display import run_shown
command = [sys.executable, "-m", "snakemake", "--snakefile", "Snakefile", "--cores", "2", "--keep-going"]
log = Path("work/small/logs/snakemake.log")
sys.exit(abs(run_shown(command, Path("work/small"), log, verbose="verbose" in sys.argv)))
"""


@pytest.fixture
def run(tmp_path):
    """Starts Snakemake with jobs of a given command."""
    work = tmp_path / "work/small"
    (work / "library/records").mkdir(parents=True)
    shards = [{"name": f"{number:05d}.parquet", "rows": 300} for number in range(2)]
    (work / "library/records/manifest.json").write_text(json.dumps({"shards": shards}))
    (work / "config.yaml").write_text("run: small\n")
    (work / "summary").mkdir()
    (work / "summary/ingest.json").write_text("{}")

    def start(command: str, *options: str) -> subprocess.Popen[str]:
        (tmp_path / "Snakefile").write_text(SNAKEFILE % command)
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *options], cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=os.environ
        )

    return start


def test_a_line_a_finished_stage_and_the_rest_in_the_log(run, tmp_path):
    process = run("sleep 0.1")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0
    assert said.splitlines() == [
        "Snakemake's own output: work/small/logs/snakemake.log",
        "done: prepare     2 shards, 600 rows",
        "done: deduplicate 600 rows",
    ]
    assert "rule prepare:" in (tmp_path / "work/small/logs/snakemake.log").read_text()
    process = run("sleep 0.1")
    assert "Everything is up to date" in process.communicate(timeout=120)[1]
    process = run("sleep 0.1", "verbose")
    assert "Nothing to be done" in process.communicate(timeout=120)[1]


def test_a_failed_job_is_shown_with_its_log(run):
    process = run("(echo Error: no space left; echo '  fix:   make room') >&2; exit 1")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Failed: prepare-library-00000: no space left" in said
    assert "  work/small/logs/prepare-library-00001.log" in said
    assert "  |   fix:   make room" in said


def test_a_fault_before_any_job_is_shown_in_snakemakes_words(run, tmp_path):
    process = run("true {missing}")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "missing" in said


@pytest.mark.parametrize(
    ("sent", "options"), [(signal.SIGINT, ()), (signal.SIGHUP, ()), (signal.SIGTERM, ("background",))]
)
def test_an_interrupt_ends_the_jobs_and_is_waited_for(run, tmp_path, sent, options):
    process = run("touch started-{wildcards.shard}; sleep 600", *options)
    end = time.monotonic() + 60
    while not list(tmp_path.glob("started-*")):
        assert time.monotonic() < end
        time.sleep(0.2)
    process.send_signal(sent)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Stopping: waiting until the jobs have ended" in said
    assert "Failed" not in said
    assert not _sleepers(tmp_path)
    assert not list(tmp_path.glob("work/small/library/prepared/*"))


def _sleepers(folder: Path) -> list[str]:
    """Processes that still work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder and "sleep" in (process / "cmdline").read_text():
                found.append(process.name)
        except OSError:
            continue
    return found
