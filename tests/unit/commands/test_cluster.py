import json
import sys

import pytest
from typer.testing import CliRunner

from molsieve.commands.cluster import cluster_app
from molsieve.errors import MolsieveError


@pytest.fixture
def no_slurm(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


def run(*arguments):
    return CliRunner().invoke(cluster_app, list(map(str, arguments)))


def test_a_machine_without_slurm_is_not_ready(no_slurm, tmp_path):
    result = run("doctor", "--folder", tmp_path)
    assert result.exit_code == 1
    assert "problem  Slurm commands: not here: sbatch, squeue, scancel, sinfo, scontrol, srun" in result.stdout
    assert "fix: Log in to a node from which jobs are submitted" in result.stdout
    assert "Not ready:" in result.stdout


def test_findings_as_json(no_slurm, tmp_path):
    result = run("doctor", "--folder", tmp_path, "--json")
    assert result.exit_code == 1
    facts = json.loads(result.stdout)
    assert facts["ok"] is False
    [commands] = [finding for finding in facts["findings"] if finding["about"] == "Slurm commands"]
    assert (commands["level"], commands["fix"][:6]) == ("problem", "Log in")


def test_without_the_plugin_it_says_how_to_install_it(no_slurm, tmp_path, monkeypatch):
    found = [path for path in sys.path if "site-packages" not in path]
    run("doctor", "--folder", tmp_path)  # everything that is needed is imported
    monkeypatch.setattr(sys, "path", found)
    result = run("doctor", "--folder", tmp_path)
    assert "problem  Snakemake plugin: snakemake-executor-plugin-slurm is not installed" in result.stdout
    assert "fix: pip install 'molsieve[slurm]'" in result.stdout


def test_a_profile_that_is_not_there(no_slurm, tmp_path):
    result = run("doctor", "--profile", tmp_path)
    assert isinstance(result.exception, MolsieveError)
    assert "molsieve cluster profile writes one" in str(result.exception)


def test_a_profile_is_not_written_over_another(no_slurm, tmp_path):
    (tmp_path / "profile.yaml").write_text("jobs: 3\n")
    result = run("profile", tmp_path)
    assert isinstance(result.exception, MolsieveError)
    assert "is there already" in str(result.exception)
    assert (tmp_path / "profile.yaml").read_text() == "jobs: 3\n"


def test_no_profile_without_slurm(no_slurm, tmp_path):
    result = run("profile", tmp_path / "site")
    assert isinstance(result.exception, MolsieveError)
    assert "there is no scontrol here" in str(result.exception)
    assert not (tmp_path / "site").exists()
