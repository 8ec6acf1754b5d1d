from dataclasses import replace

import pytest

from molsieve.errors import MolsieveError
from molsieve.results.facts import read_inputs


@pytest.fixture
def facts(shared_run):
    config = {
        "run": "a",
        "seed": 0,
        "libraries": [{"path": "/here/a.smi", "delimiter": None}],
        "prepare": {"threads": 2, "max_heavy_atoms": 150},
        "results": {"folder": "results", "inchikey_limit": 50_000},
        "dask": {"workers": 4},
    }
    return replace(shared_run[1], config=config)


@pytest.mark.parametrize(
    "change",
    [
        {"run": "b"},
        {"libraries": [{"path": "/there/a.smi", "delimiter": None}]},
        {"prepare": {"threads": 8, "max_heavy_atoms": 150}},
        {"results": {"folder": "/elsewhere", "inchikey_limit": 50_000}},
        {"dask": {"workers": 1}},
    ],
)
def test_where_and_how_fast_does_not_name_a_run(facts, change):
    assert replace(facts, config=facts.config | change).run_id == facts.run_id


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"libraries": [{"path": "/here/a.smi", "delimiter": ";"}]},
        {"prepare": {"threads": 2, "max_heavy_atoms": 100}},
        {"results": {"folder": "results", "inchikey_limit": 0}},
    ],
)
def test_a_setting_that_changes_numbers_names_another_run(facts, change):
    assert replace(facts, config=facts.config | change).run_id != facts.run_id


def test_inputs_models_resources_profile_and_code_name_a_run(facts):
    others = [
        replace(facts, inputs=(replace(facts.inputs[0], sha256="0" * 64),)),
        replace(facts, models={"triage/model.safetensors": "0" * 64}),
        replace(facts, resources={}),
        replace(facts, profile=facts.profile.model_copy(update={"criteria": facts.profile.criteria[:-1]})),
        replace(facts, code="changed"),
    ]
    assert len({facts.run_id, *(other.run_id for other in others)}) == 1 + len(others)


def test_file_metadata_is_complete(facts):
    assert set(facts.file_metadata) == {
        "schema_version",
        "run_id",
        "workflow_version",
        "config_sha256",
        "models_sha256",
        "rdkit_version",
    }
    assert all(isinstance(value, str) and value for value in facts.file_metadata.values())


def test_inputs_come_from_the_manifest(shared_run):
    work, facts = shared_run
    assert facts.inputs == read_inputs(work / "library" / "records")
    assert facts.records_read == 50
    assert "structure from column_1" in facts.inputs[0].understood


@pytest.mark.parametrize("text", [None, "{}", "not json", '{"files": [{"source": "a"}]}'])
def test_a_broken_manifest_is_explained(tmp_path, text):
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(MolsieveError, match="manifest"):
        read_inputs(tmp_path)
