"""Every profile that ships runs through the whole workflow; they share the predictions of one library."""

import json

import pandas as pd
import pytest
from tests.workflow.workspace import Workspace, small_library

from molsieve import project_root
from molsieve.scoring.profile import load_profile

pytestmark = pytest.mark.slow

PROFILES = sorted(path.stem for path in (project_root() / "config" / "profiles").glob("*.yaml"))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("profiles")
    small_library(folder)
    return Workspace(folder)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_screens_a_library(workspace, name):
    profile = load_profile(project_root() / "config" / "profiles" / f"{name}.yaml")
    workspace.molsieve("run", "library.csv", "--profile", name, "--out", "results/small")
    results = workspace.folder / "results" / "small"
    assert "complete and unchanged" in workspace.molsieve("results", "verify", str(results)).stdout
    hits, scores = pd.read_parquet(results / "hits.parquet"), pd.read_parquet(results / "scores")
    assert 0 < len(hits) <= 100
    assert hits["reasons"].str.len().gt(20).all()
    for criterion in profile.criteria:
        judged = scores.loc[scores["excluded_by"].isna(), f"{criterion.name}_desirability"]
        assert judged.between(0, 1).all(), criterion.name
    assert scores["profile_prob"].between(scores["profile_prob_lo90"], scores["profile_prob_hi90"]).mean() > 0.95
    run = json.loads((results / "run.json").read_text())
    assert (run["controls"]["verdict"] == "not_asked") == (profile.controls == "none")
    assert hits["selectivity_margin"].notna().all() == (profile.selectivity is not None)
    assert profile.title in (results / "report.html").read_text()
