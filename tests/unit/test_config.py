"""Configuration: generated files, and mistakes explained before any job starts."""

import json

import pytest
import yaml

from molsieve import project_root
from molsieve.config import Config, load_yaml, parse_config
from molsieve.config_files import config_markdown, config_schema, config_yaml
from molsieve.errors import MolsieveError
from molsieve.plan import Plan


def test_config_yaml_has_not_drifted():
    assert (project_root() / "config" / "config.yaml").read_text() == config_yaml(), "run `make config`"


def test_config_readme_has_not_drifted():
    assert (project_root() / "config" / "README.md").read_text() == config_markdown(), "run `make config`"


def test_json_schema_has_not_drifted():
    assert (project_root() / "workflow" / "schemas" / "config.schema.json").read_text() == config_schema()


def test_generated_yaml_is_the_defaults():
    assert parse_config(yaml.safe_load(config_yaml()), "generated") == Config()


def test_generated_schema_accepts_the_defaults_and_refuses_a_typo():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(config_schema())
    defaults = yaml.safe_load(config_yaml())
    jsonschema.validate(defaults, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(defaults | {"profle": "x"}, schema)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"profle": "amr"}, "unknown key 'profle'; did you mean 'profile'?"),
        ({"prepare": {"timeout": 3}}, "unknown key 'prepare.timeout'; did you mean 'timeout_s'?"),
        ({"prepare": {"timeout_s": "soon"}}, "prepare.timeout_s: input should be a valid number"),
        ({"prepare": {"max_rejected_fraction": 1.5}}, "prepare.max_rejected_fraction: input should be less than"),
        ({"prepare": {"min_heavy_atoms": 90, "max_heavy_atoms": 50}}, "min_heavy_atoms must be smaller"),
        ({"triage": {"device": "gpu"}}, "triage.device: input should be 'auto', 'cpu' or 'cuda'"),
        ({"run": "../elsewhere"}, "run: string should match pattern"),
        ({"dask": {"scheduler": "somewhere"}}, "dask.scheduler: must be local, tcp://"),
        ({"libraries": []}, "libraries: list should have at least 1 item"),
        ({"libraries": [{"path": "a.csv", "skiprows": 1}]}, "skip_rows"),
        ({"select": 5}, "select: input should be a mapping of keys to values"),
    ],
)
def test_mistakes_name_the_key(values, expected):
    with pytest.raises(MolsieveError) as error:
        parse_config(values, "my.yaml")
    assert expected in str(error.value)
    assert "my.yaml" in str(error.value)


def test_several_mistakes_are_told_at_once():
    with pytest.raises(MolsieveError) as error:
        parse_config({"profle": "x", "seed": -1}, "my.yaml")
    assert "profle" in str(error.value)
    assert "seed" in str(error.value)


def test_the_file_that_holds_the_wrong_key_is_named(tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("profile: amr-gram-positive\n")
    bad.write_text("selct: {hits: 3}\n")
    with pytest.raises(MolsieveError, match="selct") as error:
        Plan.from_config(load_yaml(good) | load_yaml(bad), [good, bad])
    assert error.value.where == str(bad)


def test_yaml_syntax_errors_name_the_line(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("run: a\nselect: [1\n")
    with pytest.raises(MolsieveError, match="not valid YAML") as error:
        load_yaml(broken)
    assert "line" in (error.value.where or "")


def test_unknown_profile_lists_the_known():
    with pytest.raises(MolsieveError) as error:
        Plan.from_config({"profile": "amr-gram-neutral"})
    assert "amr-gram-negative" in str(error.value)


def test_missing_library_is_found_before_any_job():
    with pytest.raises(MolsieveError, match=r"nowhere\.smi"):
        Plan.from_config({"libraries": ["nowhere.smi"]})
