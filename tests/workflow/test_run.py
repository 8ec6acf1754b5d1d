"""The whole workflow on a small messy library: accounting, resuming, re-running what changed and nothing else."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pyarrow.parquet as pq
import pytest

from molsieve import project_root


@pytest.fixture(scope="session")
def results(screened):
    return screened.folder / "results" / "small"


def test_every_input_row_is_accounted_for(results):
    compounds = pd.read_parquet(results / "compounds")
    assert compounds["record_id"].tolist() == list(range(307))
    assert compounds["source_row"].tolist() == list(range(1, 308))
    by_id = compounds.set_index("compound_id")
    assert by_id.loc["aspirin", "status"] == "ok"
    assert by_id.loc["aspirin again", "status"] == "duplicate"
    assert by_id.loc["aspirin again", "duplicate_of"] == 0
    assert by_id.loc["aspirin sodium", "duplicate_of"] == 0
    assert by_id.loc["broken", ["status", "reason_code"]].tolist() == ["rejected", "unparsable"]
    assert by_id.loc["empty", ["status", "reason_code"]].tolist() == ["rejected", "empty_structure"]
    assert by_id.loc["ring left open", "status"] == "rejected"
    counts = compounds["status"].value_counts()
    assert counts.sum() == 307
    predicted = pd.read_parquet(results / "predictions")["record_id"].tolist()
    assert predicted == compounds.loc[compounds["status"] == "ok", "record_id"].tolist()
    assert pd.read_parquet(results / "scores")["record_id"].tolist() == predicted


def test_hits_are_sensible(results):
    hits = pd.read_parquet(results / "hits.parquet")
    scores = pd.read_parquet(results / "scores").set_index("record_id")
    assert len(hits) > 0
    assert hits["hit"].tolist() == list(range(1, len(hits) + 1))
    assert hits["rank"].is_monotonic_increasing
    assert scores.loc[hits["record_id"], "excluded_by"].isna().all()
    assert hits["inchikey"].str.len().eq(27).all()
    assert hits["reasons"].str.len().gt(20).all()


def test_known_antibacterials_are_no_hits_but_rank(results):
    compounds = pd.read_parquet(results / "compounds").set_index("compound_id")
    scores = pd.read_parquet(results / "scores").set_index("record_id")
    ciprofloxacin = scores.loc[compounds.loc["ciprofloxacin", "record_id"]]
    assert ciprofloxacin["excluded_by"] == "known_antibacterial"
    assert ciprofloxacin["nearest_known"] == "ciprofloxacin"
    assert ciprofloxacin["novelty_tanimoto"] == pytest.approx(1.0)
    assert ciprofloxacin["rank"] <= 5


def test_the_whole_of_a_small_library_is_refined(results):
    predictions = pd.read_parquet(results / "predictions")
    assert set(predictions["tier"]) == {"refine"}
    assert predictions["herg_set"].isin(["active", "inactive", "both", "none"]).all()
    assert predictions["nn_similarity"].between(0, 1).all()
    assert predictions["nn_active"].str.contains("growth_inhibition: ").all()
    hits = pd.read_parquet(results / "hits.parquet")
    for name in ("tier", "ecoli_growth_inhibition_set", "ecoli_growth_inhibition_sd", "nn_similarity", "nn_active"):
        assert hits[name].notna().all(), name


def test_controls_went_through_and_into_no_table(results):
    controls = pd.read_parquet(results / "controls.parquet")
    assert set(controls["kind"]) == {"active", "inactive"}
    active, inactive = (
        controls.loc[controls["kind"] == kind, "would_rank"].median() for kind in ("active", "inactive")
    )
    assert active < inactive
    assert len(pd.read_parquet(results / "scores")) == len(pd.read_parquet(results / "predictions"))


def test_a_finished_run_has_nothing_to_do(screened):
    assert screened.planned("--configfile", "work/small/config.yaml") == set()


@pytest.mark.parametrize(
    ("change", "again", "kept"),
    [
        ("select: {scaffold_cap: 2}", {"select", "report", "publish"}, {"triage", "score", "controls"}),
        # top_share in the scores is of as many best as there can be hits.
        ("select: {hits: 7}", {"score", "select", "report", "publish"}, {"triage", "inspect", "refine"}),
        (
            "refine: {conformal_error: 0.1}",
            # Conformers go to the best by the refined predictions.
            {"refine", "inspect", "score", "select", "controls"},
            {"triage", "shortlist"},
        ),
        ("inspect: {conformers: 20}", {"inspect", "score", "select", "controls"}, {"shortlist", "refine"}),
        ("profile: amr-gram-positive", {"shortlist", "score", "controls"}, {"prepare", "deduplicate", "triage"}),
        ("triage: {batch_size: 64}", {"triage", "shortlist"}, {"prepare", "deduplicate"}),
        ("prepare: {max_heavy_atoms: 100}", {"prepare", "triage"}, {"ingest"}),
        ("ingest: {shard_size: 100}", {"ingest"}, set()),
        ("prepare: {threads: 1}", set(), {"prepare"}),
        ("refine: {threads: 1}", set(), {"refine"}),
    ],
)
def test_a_change_of_configuration_reruns_what_depends_on_it(screened, tmp_path, change, again, kept):
    (tmp_path / "change.yaml").write_text(change + "\n")
    planned = screened.planned("--configfile", "work/small/config.yaml", str(tmp_path / "change.yaml"))
    assert again <= planned
    assert not kept & planned
    if not again:
        assert planned == set()


@pytest.mark.parametrize(
    ("module", "again", "kept"),
    [
        ("scoring/pareto.py", {"score"}, {"prepare", "triage", "inspect", "refine"}),
        ("models/rich_features.py", {"refine", "inspect"}, {"prepare", "triage", "shortlist"}),
        ("scoring/novelty.py", {"inspect"}, {"prepare", "triage", "deduplicate", "shortlist", "refine"}),
        ("results/report.py", {"report"}, {"prepare", "triage", "score", "select"}),
        ("cli.py", set(), {"prepare", "publish"}),
    ],
)
def test_a_change_of_code_reruns_the_stages_that_use_it(screened, tmp_path, module, again, kept):
    """On a copy of the project, so that the tests can run beside each other."""
    copy = tmp_path / "project"
    copy.mkdir()
    shutil.copy(project_root() / "Snakefile", copy)
    for folder in ("config", "envs", "resources", "workflow"):
        shutil.copytree(project_root() / folder, copy / folder)
    # Keeping the paths in the parameters the same leaves the code as the only difference.
    source = copy / "workflow" / "molsieve" / module
    environment = os.environ | {"PYTHONPATH": str(copy / "workflow")}

    def planned():
        finished = subprocess.run(
            [sys.executable, "-m", "snakemake", "--snakefile", str(copy / "Snakefile"), "--dry-run",
             "--configfile", "work/small/config.yaml", "--rerun-triggers", "params"],
            cwd=screened.folder, capture_output=True, text=True, env=environment, check=True,
        )  # fmt: skip
        return {line.split()[0] for line in finished.stdout.split("Job stats:")[-1].splitlines()[3:] if line.split()}

    before = planned()
    source.write_text(source.read_text() + "\nCHANGED = 1\n")
    after = planned() - before
    assert again <= after
    assert not kept & after


def test_two_runs_give_identical_tables(screened, results, tmp_path):
    library = screened.folder / "library.csv"
    again = tmp_path / "results" / "small"
    screened.molsieve(
        "run",
        str(library),
        "--out",
        str(again),
        "--set",
        "ingest.shard_size=120",
        "--set",
        f"results.work={tmp_path}/w",
    )
    tables = sorted(path.relative_to(results) for path in results.rglob("*.parquet"))
    assert len(tables) >= 12
    for table in tables:
        assert (again / table).read_bytes() == (results / table).read_bytes(), table


def test_a_killed_run_redoes_only_what_is_missing(workspace):
    command = [sys.executable, "-m", "molsieve", "run", "library.csv", "--out", "results/small", "--cores", "1"]
    command += ["--set", "ingest.shard_size=100"]
    process = subprocess.Popen(
        command, cwd=workspace.folder, start_new_session=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    prepared = workspace.folder / "work" / "small" / "library" / "prepared"
    deadline = time.time() + 120
    while len(list(prepared.glob("[0-9]*.parquet"))) < 2 and time.time() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = {path.name: path.stat().st_mtime_ns for path in prepared.glob("[0-9]*.parquet")}
    assert finished
    assert not (workspace.folder / "results" / "small").exists()
    workspace.snakemake("--configfile", "work/small/config.yaml", "--unlock")
    workspace.snakemake("--configfile", "work/small/config.yaml", "--cores", "2", "--rerun-incomplete")
    logs = [(prepared / name).stat().st_mtime_ns == time_ns for name, time_ns in finished.items()]
    # The one that was being written when the run was killed may have been done again.
    assert logs.count(False) <= 1
    workspace.molsieve("results", "verify", "results/small")


def test_provenance(results):
    run = json.loads((results / "run.json").read_text())
    assert run["run_id"]
    metadata = pq.read_schema(results / "hits.parquet").metadata
    assert metadata[b"run_id"].decode() == run["run_id"]
