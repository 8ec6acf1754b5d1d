import json

import pyarrow.parquet as pq
import pytest
from tests.unit.training.small_model import KNOWN, NEW, active, write_csv
from typer.testing import CliRunner

from molsieve.commands.model_folders import shipped_folder
from molsieve.commands.models import models_app
from molsieve.errors import MolsieveError
from molsieve.models.endpoints import INFO


def run(*arguments):
    return CliRunner().invoke(models_app, ["evaluate", *map(str, arguments)])


def refused(*arguments):
    result = run(*arguments)
    assert isinstance(result.exception, MolsieveError), result.output
    return str(result.exception)


@pytest.fixture
def assay(tmp_path):
    return write_csv(tmp_path / "assay.csv", [(s, active(s)) for s in [*NEW, KNOWN[0]]])


def options(assay, model, endpoint="kills"):
    return ["--data", assay, "--smiles", "smiles", "--label", "y", "--endpoint", endpoint, "--model", model]


QUICK = ("--resamples", 100)


def test_text_json_and_predictions(assay, small_model, tmp_path):
    out = tmp_path / "out"
    files = ["--predictions", out / "p.parquet", "--json", out / "e.json"]
    result = run(*options(assay, small_model), "--exclude-training", *files, *QUICK)
    assert result.exit_code == 0, result.output
    for text in ("AUROC", "chance 0.500", "Reliability", "Conformal sets", "nearest molecule", "unseen Morgan ids"):
        assert text in result.stdout
    assert "1 left out because the endpoint was trained on them" in result.stdout
    assert "49 rows read" in result.stderr
    assert "row 49" in result.stderr
    assert pq.read_metadata(out / "p.parquet").num_rows == 49
    document = json.loads((out / "e.json").read_text())
    assert (document["molecules"], document["excluded_in_training"]) == (48, 1)
    assert len(document["model_sha256"]) == 64


def test_no_colour_codes_in_a_pipe(assay, small_model):
    assert "\x1b" not in run(*options(assay, small_model), "--exclude-training", *QUICK).stdout


def test_overlap_is_refused(assay, small_model):
    assert "row 49" in refused(*options(assay, small_model))


def test_the_refine_tier(assay, small_refine_model):
    result = run(*options(assay, small_refine_model), "--exclude-training", *QUICK)
    assert "(tier refine)" in result.stdout, result.output


def test_regression(tmp_path, small_model):
    assay = write_csv(tmp_path / "assay.csv", [(s, 2 + len(s) / 20) for s in NEW])
    result = run(*options(assay, small_model, "dose"), *QUICK)
    assert "MAE g_per_kg" in result.stdout, result.output
    assert "90 % intervals hold" in result.stdout


def test_labels_of_another_kind(tmp_path, small_model):
    assay = write_csv(tmp_path / "assay.csv", [(s, len(s) / 20) for s in NEW])
    said = refused(*options(assay, small_model, "kills"))
    assert "median" in said
    assert "active means: dead at 50 uM" in said


def test_classes_for_an_endpoint_of_values(assay, small_model):
    said = refused(*options(assay, small_model, "dose"), "--exclude-training")
    assert "0 and 1 only, but dose predicts values (g_per_kg, trained on 1 to 4)" in said


def test_values_in_another_unit_are_told_of(tmp_path, small_model):
    assay = write_csv(tmp_path / "assay.csv", [(s, 2000 + 50 * len(s)) for s in NEW])
    result = run(*options(assay, small_model, "dose"), *QUICK)
    assert "CAUTION: most labels" in result.stderr, result.output
    assert "g_per_kg" in result.stdout


def test_columns_named_for_each_other(assay, small_model):
    arguments = ["--data", assay, "--endpoint", "kills", "--model", small_model]
    assert "--smiles smiles --label y" in refused(*arguments, "--smiles", "y", "--label", "smiles")
    assert "Did you mean 'smiles'?" in refused(*arguments, "--smiles", "smilse", "--label", "y")


def test_one_part_of_a_split(tmp_path, small_model):
    rows = [(s, active(s), "train" if i % 2 else "test") for i, s in enumerate(NEW)]
    assay = write_csv(tmp_path / "assay.csv", rows, "smiles,y,split")
    split = ["--split-column", "split"]
    result = run(*options(assay, small_model), *split, "--part", "test", *QUICK)
    assert "24 molecules" in result.stdout, result.output
    assert "no part 'valid'" in refused(*options(assay, small_model), *split, "--part", "valid")
    assert "go together" in refused(*options(assay, small_model), *split)


def test_the_endpoint_must_be_named(assay, small_model):
    arguments = ["--data", assay, "--smiles", "smiles", "--label", "y", "--model", small_model]
    assert "which one" in refused(*arguments)


@pytest.mark.mirror
def test_a_published_split_is_training_data(mirror):
    """Stokes' scaffold test set is among what E. coli was trained on."""
    if not (shipped_folder("refine") / INFO).is_file():
        pytest.skip("there is no shipped model of tier refine")
    file = mirror / "activity" / "ecoli_stokes2020_scaffold_split" / "test.csv"
    arguments = ["--data", file, "--smiles", "smiles", "--label", "activity", "--endpoint", "ecoli_growth_inhibition"]
    assert "test molecules are in the training data" in refused(*arguments)
    assert "there is nothing left to test on" in refused(*arguments, "--exclude-training")


@pytest.mark.mirror
def test_molecules_new_to_an_endpoint(mirror, tmp_path):
    """Molecules with a hERG label that the mutagenicity endpoint has not seen, as if the labels were its own."""
    if not (shipped_folder("refine") / INFO).is_file():
        pytest.skip("there is no shipped model of tier refine")
    file = mirror / "toxicity" / "herg.tab"
    names = file.read_text().splitlines()[0].split("\t")
    arguments = ["--data", file, "--smiles", names[1], "--label", names[2], "--endpoint", "ames"]
    result = run(*arguments, "--exclude-training", "--json", tmp_path / "e.json", *QUICK)
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "e.json").read_text())
    assert document["excluded_in_training"] > 0
    assert document["seen_for_other_endpoints_only"] > 0
    assert 0.2 < document["figures"]["auroc"]["value"] < 0.8
