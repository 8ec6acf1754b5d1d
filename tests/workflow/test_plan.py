"""What the workflow plans, before anything runs."""

import subprocess
import sys

import pytest

from molsieve import project_root


def test_a_bare_dry_run_plans_jobs(workspace):
    assert {"ingest", "prepare", "publish"} <= workspace.planned()


@pytest.mark.parametrize("profile", ["amr-gram-negative", "amr-gram-positive"])
def test_every_profile_plans(workspace, profile):
    assert "score" in workspace.planned("--config", f"profile={profile}")


def test_without_controls_none_are_planned(workspace):
    (workspace.folder / "my.yaml").write_text("controls: {enabled: false}\n")
    planned = workspace.planned("--configfile", "my.yaml")
    assert "publish" in planned
    assert not {"ingest_controls", "controls"} & planned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("selct: {hits: 3}", "unknown key 'selct'; did you mean 'select'?"),
        ("select: {hits: none}", "select.hits: input should be a valid integer"),
        ("profile: amr-gram-neutral", "unknown profile 'amr-gram-neutral'"),
        ("libraries: [nowhere.sdf]", "nowhere.sdf"),
        ("triage: {model: nowhere}", "nowhere"),
        ("refine: {model: nowhere}", "nowhere"),
        ("models: [nowhere]", "nowhere"),
        ("models: [resources/models/triage]", "two models predict an endpoint named"),
        ("refine: {chunk_row: 10}", "unknown key 'refine.chunk_row'; did you mean 'chunk_rows'?"),
    ],
)
def test_mistakes_stop_before_any_job_without_a_traceback(workspace, text, expected):
    (workspace.folder / "my.yaml").write_text(text + "\n")
    finished = workspace.snakemake("--configfile", "my.yaml", "--cores", "1", check=False)
    assert finished.returncode != 0
    assert expected in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (workspace.folder / "work").exists()


def test_the_command_line_explains_the_same_way(workspace):
    finished = workspace.molsieve("run", "library.csv", "--set", "select.hist=3", check=False)
    assert finished.returncode == 2
    assert "unknown key 'select.hist'; did you mean 'hits'?" in finished.stderr
    assert "--set" in finished.stderr


def test_the_chunks_follow_from_the_configuration_alone(workspace):
    (workspace.folder / "my.yaml").write_text("shortlist: {size: 900, audit: 101}\nrefine: {chunk_rows: 500}\n")
    text = workspace.snakemake("--dry-run", "--configfile", "my.yaml").stdout
    jobs = next(line.split() for line in text.split("Job stats:")[-1].splitlines() if line.startswith("refine"))
    # Three of the library and one of the controls.
    assert jobs == ["refine", "4"]


def test_all_controls_get_conformers_however_few_of_the_library_do(workspace):
    (workspace.folder / "my.yaml").write_text("libraries: [library.csv]\nrun: small\ninspect: {conformers: 20}\n")
    asked = ("--dry-run", "--printshellcmds", "--configfile", "my.yaml", "--", "work/small/controls/inspected.parquet")
    found = workspace.snakemake(*asked)
    (command,) = (line for line in (found.stdout + found.stderr).splitlines() if "molsieve inspect" in line)
    assert "--conformers 1000 --known-too" in command


def test_every_command_has_a_help_text_with_an_example():
    listed = subprocess.run(
        [sys.executable, "-m", "molsieve", "--help"], capture_output=True, text=True, check=True
    ).stdout
    from typer.main import get_command

    from molsieve.cli import app

    commands = get_command(app).commands
    assert {"run", "check", "ingest", "prepare", "triage", "publish"} <= set(commands)
    for name, command in commands.items():
        assert name in listed
        if not hasattr(command, "commands"):
            assert "Example:" in (command.help or ""), name


def test_rules_are_documented_for_the_catalogue():
    for name in ("config/README.md", ".snakemake-workflow-catalog.yml", "LICENSE", "CITATION.cff", "CHANGELOG.md"):
        assert (project_root() / name).is_file()


def test_a_run_without_a_library_is_refused(workspace):
    finished = workspace.molsieve("run", "--out", "results/x", check=False)
    assert finished.returncode == 2
    assert "no library was given" in finished.stderr


def test_a_dry_run_leaves_nothing(workspace):
    finished = workspace.molsieve("run", "library.csv", "-n")
    assert "prepare" in finished.stdout
    assert not (workspace.folder / "work").exists()
