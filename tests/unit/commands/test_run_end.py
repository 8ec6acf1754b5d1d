"""How ``molsieve run`` ends when nobody is left to read what it says."""

import json
import os
import pty
import subprocess
import sys

import pytest


@pytest.fixture(params=["pipe", "terminal"])
def nobody(request):
    """Something to write to whose reader has gone."""
    reader, writer = os.pipe() if request.param == "pipe" else pty.openpty()
    os.close(reader)
    yield writer
    os.close(writer)


# Snakemake ends at once with either: it lists the rules, or does not know the option.
@pytest.mark.parametrize(("argument", "status"), [("--list-rules", 0), ("--no-such-option", 1)])
def test_the_run_ends_in_order(tmp_path, nobody, argument, status):
    (tmp_path / "library.smi").write_text("CCO ethanol\n")
    command = [sys.executable, "-m", "molsieve", "run", "library.smi", "--out", "results/small"]
    done = subprocess.run(
        [*command, "--snakemake", argument], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=nobody, stderr=nobody,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == status
    work = tmp_path / "work" / "small"
    ended = json.loads((work / "last_run.json").read_text())
    assert (ended["exit_status"] == 0) == (status == 0)
    assert not (work / "running.json").exists()
