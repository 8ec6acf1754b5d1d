import json

import pytest
from typer.testing import CliRunner

from molsieve import project_root
from molsieve.cli import app
from molsieve.commands.publish import run_facts
from molsieve.errors import MolsieveError

MODELS = project_root() / "resources" / "models"

needs_model = pytest.mark.skipif(
    not all((MODELS / tier / "checksums.sha256").is_file() for tier in ("triage", "refine")),
    reason="the shipped models are not there",
)


@pytest.mark.parametrize("command", ["report", "publish"])
def test_help_has_an_example(command):
    shown = CliRunner().invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert f"Example: molsieve {command} work/demo" in " ".join(shown.output.split())


@needs_model
def test_facts_come_from_the_configuration_and_the_work_folder(shared_run, tmp_path):
    work, built = shared_run
    inline = run_facts(work, json.dumps({"run": "small", "profile": "amr-gram-positive"}))
    assert (inline.run, inline.profile.name) == ("small", "amr-gram-positive")
    assert inline.inputs == built.inputs
    files = ("model.json", "trust.json", "model.safetensors")
    assert set(inline.models) == {f"{tier}/{name}" for tier in ("triage", "refine") for name in files}
    assert {"antibacterials.csv", "controls.csv", "classes.csv", "who_priority_weights.csv"} == set(inline.resources)
    assert [e.name for e in inline.profile_endpoints] == list(inline.profile.endpoint_names())
    assert inline.infos[0]["tier"] == "refine"
    (tmp_path / "c.yaml").write_text("run: small\nprofile: amr-gram-positive\n")
    from_file = run_facts(work, str(tmp_path / "c.yaml"))
    assert from_file.run_id == inline.run_id
    other = run_facts(work, json.dumps({"run": "small", "profile": "amr-gram-negative"}))
    assert other.run_id != inline.run_id


@pytest.mark.parametrize("config", ["{not json", '{"no_such_key": 1}', "/no/such/file.yaml"])
def test_a_wrong_configuration_is_explained(shared_run, config):
    with pytest.raises(MolsieveError):
        run_facts(shared_run[0], config)


@needs_model
def test_a_work_folder_of_other_models_is_refused(run, tmp_path):
    # The small run was made with made-up endpoints; the installed model predicts others.
    done = CliRunner().invoke(
        app, ["publish", str(run[0]), str(tmp_path / "r"), "--config", '{"run": "small"}'], catch_exceptions=True
    )
    assert isinstance(done.exception, MolsieveError)
    assert "does not fit this run" in str(done.exception)
    assert not (tmp_path / "r").exists()
    assert not list(tmp_path.glob(".r*"))
