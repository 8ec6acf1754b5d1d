"""Profiles: the shipped ones are valid, and mistakes are explained."""

import copy
import csv

import pytest
import yaml

from molsieve import project_root
from molsieve.errors import MolsieveError
from molsieve.models.endpoints import read_endpoints
from molsieve.scoring.profile import load_profile, profile_path, who_weights

SHIPPED = sorted((project_root() / "config" / "profiles").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_profiles_fit_the_shipped_models(path):
    profile = load_profile(path)
    assert profile.name == path.stem
    profile.check_endpoints(read_endpoints(project_root() / "resources" / "models" / "triage"), str(path))
    assert all(criterion.source for criterion in profile.criteria)


BOTH = ("ecoli_growth_inhibition", "abaumannii_growth_inhibition")
WEIGHTED = {"combine": "weighted", "endpoint_weights": "who", "required": False}


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
        (
            lambda p: p["criteria"][4].update(accept=[float("nan"), 600]),
            "accept takes numbers; null leaves a side open",
        ),
        (lambda p: p["criteria"][4].update(descriptor="mw"), "unknown descriptor 'mw'"),
        (lambda p: p.update(criteria=[]), "criteria: list should have at least 1 item"),
        (lambda p: p["criteria"][0].update(endpoints="ames"), "criteria.0.endpoints: input should be a list"),
        (lambda p: p.update(structure=None), "structure: input should be a mapping of keys to values"),
        (lambda p: p["criteria"][1].update(name="activity"), "criterion names must differ; repeated: activity"),
        (lambda p: [c.update(weight=0) for c in p["criteria"]], "at least one criterion needs a weight"),
        (lambda p: [c.update(required=False) for c in p["criteria"]], "at least one criterion must be required"),
        (lambda p: p.update(criteria=[]), "criteria: "),
        (lambda p: p["criteria"][0].pop("want"), "endpoints need want"),
        (lambda p: p["criteria"][4].update(descriptor="globularit"), "did you mean 'globularity'?"),
        (lambda p: p["criteria"][4].update(fade=[1, -1]), "a distance cannot be negative"),
        (lambda p: p["criteria"][4].update(want="active"), "are for endpoints; a range has accept and fade"),
        (lambda p: p["criteria"][0].update(accept=[0, 1]), "accept and fade are for ranges"),
        (lambda p: p["criteria"][0].update(combine="weighted"), "combine: weighted and endpoint_weights go together"),
        (lambda p: p["criteria"][0].update(WEIGHTED, required=True), "so it cannot be required"),
        (lambda p: p["criteria"][0].update(WEIGHTED, endpoint_weights={"ecoli_growth_inhibition": 1}), "exactly the"),
        (lambda p: p["criteria"][0].update(WEIGHTED, endpoint_weights=dict.fromkeys(BOTH, -1)), "cannot be negative"),
        (lambda p: p["criteria"][0].update(WEIGHTED, endpoint_weights=dict.fromkeys(BOTH, 0)), "a weight above 0"),
        (
            lambda p: p["criteria"][1].update(WEIGHTED, required=False),
            "no WHO priority is known for ames; add a row to",
        ),
        (lambda p: p["structure"].update(alert_penalties={"brenk": 0}), "a penalty is a factor above 0"),
        (lambda p: p["structure"].update(alert_penalties={"brenck": 0.9}), "input should be 'brenk', 'nih'"),
        (lambda p: p["structure"].update(known_tversky=1.5), "structure.known_tversky"),
        (lambda p: p["structure"].update(brenk_penalty=0.9), "unknown key 'structure.brenk_penalty'"),
        (lambda p: p["selectivity"].update(toxicity=["not_cytotox"]), "did you mean 'not_cytotoxic'?"),
        (lambda p: p["selectivity"].update(toxicity=["activity"]), "does not ask that endpoints are inactive"),
        (lambda p: p["selectivity"].pop("note"), "selectivity.note"),
        (lambda p: p.update(controls="some"), "controls: "),
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


def test_the_nearest_endpoint_is_named(tmp_path):
    profile = load_profile(edited(tmp_path, lambda p: p["criteria"][1].update(endpoints=["amess"])))
    with pytest.raises(MolsieveError, match="did you mean 'ames'"):
        profile.check_endpoints(read_endpoints(project_root() / "resources" / "models" / "triage"), "edited.yaml")


def test_the_gut_spectrum_needs_a_model_of_gut_bacteria():
    profile = load_profile(profile_path("amr-narrow-spectrum"))
    endpoints = read_endpoints(project_root() / "resources" / "models" / "triage")
    with pytest.raises(MolsieveError, match="no model predicts gut bacteria"):
        profile.check_endpoints([e for e in endpoints if e.family != "gut"], "edited.yaml")


def test_the_nearest_profile_is_named():
    with pytest.raises(MolsieveError, match="did you mean 'amr-gram-negative'"):
        profile_path("amr-gram-negativ")


def test_who_weights_follow_the_groups_of_the_list():
    folder = project_root() / "resources" / "amr"
    with (folder / "who_bppl_2024.csv").open(newline="") as lines:
        groups = {(row["pathogen"], row["group"]) for row in csv.DictReader(lines)}
    endpoints = {e.name: e for e in read_endpoints(project_root() / "resources" / "models" / "triage")}
    with (folder / "who_priority_weights.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            assert (row["pathogen"], row["group"]) in groups
            assert float(row["weight"]) == {"critical": 3, "high": 2, "medium": 1}[row["group"]]
            assert endpoints[row["endpoint"]].organism.startswith(row["organism"])
    assert set(who_weights()) == {e.name for e in endpoints.values() if e.family == "activity"}


def test_a_fade_may_differ_on_both_sides(tmp_path):
    profile = load_profile(edited(tmp_path, lambda p: p["criteria"][4].update(fade=[20, 30])))
    assert profile.criteria[4].fade == (20, 30)
    assert load_profile(SHIPPED[0]).criteria[4].fade == (200, 200)
