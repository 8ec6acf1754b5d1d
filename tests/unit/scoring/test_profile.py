"""Profiles: the shipped ones are valid, and mistakes are explained."""

import copy

import pytest
import yaml

from molsieve import project_root
from molsieve.errors import MolsieveError
from molsieve.models.endpoints import read_endpoints
from molsieve.scoring.profile import load_profile

SHIPPED = sorted((project_root() / "config" / "profiles").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_profiles_fit_the_shipped_models(path):
    profile = load_profile(path)
    assert profile.name == path.stem
    profile.check_endpoints(read_endpoints(project_root() / "resources" / "models" / "triage"), str(path))
    assert all(criterion.source for criterion in profile.criteria)


def edited(tmp_path, edit):
    values = copy.deepcopy(yaml.safe_load(SHIPPED[0].read_text()))
    edit(values)
    path = tmp_path / "edited.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda p: p["criteria"][0].update(wieght=2), "unknown key 'criteria.0.wieght'; did you mean 'weight'?"),
        (lambda p: p["criteria"][0].update(weight=-1), "criteria.0.weight: input should be greater than or equal to 0"),
        (lambda p: p["criteria"][0].update(desirability=[0.9, 0.1]), "the worse one first"),
        (lambda p: p["criteria"][4].update(accept=[600, 150]), "low below high"),
        (lambda p: p["criteria"][4].update(descriptor="mw"), "unknown descriptor 'mw'"),
        (lambda p: p["criteria"][1].update(name="activity"), "criterion names must differ; repeated: activity"),
        (lambda p: [c.update(weight=0) for c in p["criteria"]], "at least one criterion needs a weight"),
        (lambda p: [c.update(required=False) for c in p["criteria"]], "at least one criterion must be required"),
        (lambda p: p.update(criteria=[]), "criteria: "),
        (lambda p: p["criteria"][0].pop("want"), "endpoints need want"),
    ],
)
def test_mistakes_are_explained(tmp_path, edit, expected):
    path = edited(tmp_path, edit)
    with pytest.raises(MolsieveError) as error:
        load_profile(path)
    assert expected in str(error.value)
    assert str(path) in str(error.value)


def test_an_endpoint_that_no_model_has_is_refused(tmp_path):
    profile = load_profile(edited(tmp_path, lambda p: p["criteria"][0].update(endpoints=["klebsiella"])))
    endpoints = read_endpoints(project_root() / "resources" / "models" / "triage")
    with pytest.raises(MolsieveError, match="'klebsiella', which no model predicts"):
        profile.check_endpoints(endpoints, "edited.yaml")
