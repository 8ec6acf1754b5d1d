import hashlib

import pandas as pd
import pytest
import yaml

from molsieve.errors import MolsieveError
from molsieve.training.datasets import (
    BinaryRule,
    DataFile,
    DeviationRule,
    ThresholdRule,
    ValueRule,
    load_registry,
    locate,
    values,
)

ENDPOINTS = [
    *("saureus_growth_inhibition", "ecoli_growth_inhibition", "abaumannii_growth_inhibition"),
    *("tox21_nr_ar", "tox21_nr_ar_lbd", "tox21_nr_ahr", "tox21_nr_aromatase", "tox21_nr_er", "tox21_nr_er_lbd"),
    *("tox21_nr_ppar_gamma", "tox21_sr_are", "tox21_sr_atad5", "tox21_sr_hse", "tox21_sr_mmp", "tox21_sr_p53"),
    *("ames", "herg", "dili", "clintox", "skin_reaction", "carcinogens", "ld50"),
]

DOCUMENT = {
    "endpoints": [
        {
            "name": "kills",
            "task": "classification",
            "family": "activity",
            "title": "Kills",
            "description": "Kills.",
            "organism": "x",
            "positive_means": "dead",
        }
    ],
    "datasets": [
        {
            "name": "one",
            "title": "One",
            "citation": "One et al.",
            "doi": "10.1000/one",
            "licence": "none stated",
            "files": [{"path": "one.csv", "url": "https://example.org/one.csv", "sha256": "0" * 64}],
            "structure_column": "smiles",
            "labels": [{"endpoint": "kills", "rule": {"kind": "binary", "column": "y"}}],
        }
    ],
}


def written(tmp_path, document):
    path = tmp_path / "datasets.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def changed(**changes):
    return {**DOCUMENT, "datasets": [{**DOCUMENT["datasets"][0], **changes}]}


def test_the_shipped_registry_has_the_endpoints_in_order(registry):
    assert [e.name for e in registry.endpoints] == ENDPOINTS
    assert [e.value_column for e in registry.endpoints][-1] == "ld50_neg_log_mol_per_kg"
    assert {d.licence for d in registry.datasets if d.name in {"stokes2020", "liu2023"}} == {"none stated"}
    assert [label.endpoint for d in registry.datasets if d.name == "clintox" for label in d.labels] == ["clintox"]
    assert [d.name for d in registry.for_endpoint("herg")] == ["herg_cai2019", "herg_tdc"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (changed(licence_text="MIT"), "datasets.0.licence_text"),
        (changed(doi="not a doi"), "doi"),
        (changed(files=[]), "files"),
        (changed(labels=[{"endpoint": "kills", "rule": {"kind": "guess", "column": "y"}}]), "rule"),
        (changed(labels=[{"endpoint": "heals", "rule": {"kind": "binary", "column": "y"}}]), "unknown endpoint heals"),
        (changed(labels=[{"endpoint": "kills", "rule": {"kind": "value", "column": "y"}}]), "does not fit the task"),
        ({**DOCUMENT, "datasets": DOCUMENT["datasets"] * 2}, "declared twice"),
        ({**DOCUMENT, "datasets": []}, "No data set has labels of kills"),
    ],
)
def test_a_wrong_registry_is_refused_by_name(tmp_path, document, message):
    with pytest.raises(MolsieveError, match=message):
        load_registry(written(tmp_path, document))


def test_a_right_registry_is_read(tmp_path):
    assert load_registry(written(tmp_path, DOCUMENT)).datasets[0].labels[0].keep == "all"


def test_binary_labels_keep_the_unmeasured_apart():
    table = pd.DataFrame({"y": ["1", "0", None, "1.0"]})
    assert values(table, BinaryRule(kind="binary", column="y")).fillna(-1).tolist() == [1, 0, -1, 1]


def test_a_label_that_is_neither_is_refused():
    with pytest.raises(MolsieveError, match="'maybe'"):
        values(pd.DataFrame({"y": ["1", "maybe"]}), BinaryRule(kind="binary", column="y"))


def test_deviation_is_taken_from_all_rows():
    table = pd.DataFrame({"growth": ["1.0"] * 9 + ["0.0"]})  # mean 0.9, sd 0.316: the limit is 0.584
    found = values(table, DeviationRule(kind="deviation", column="growth", standard_deviations=-1.0))
    assert found.tolist() == [0.0] * 9 + [1.0]


def test_thresholds_and_numbers():
    table = pd.DataFrame({"x": ["1", "5", None]})
    assert values(table, ThresholdRule(kind="threshold", column="x", at_most=2)).fillna(-1).tolist() == [1, 0, -1]
    assert values(table, ThresholdRule(kind="threshold", column="x", at_least=2)).fillna(-1).tolist() == [0, 1, -1]
    assert values(table, ValueRule(kind="value", column="x")).fillna(-1).tolist() == [1, 5, -1]
    with pytest.raises(MolsieveError, match="'five'"):
        values(pd.DataFrame({"x": ["five"]}), ValueRule(kind="value", column="x"))


def test_a_mirrored_file_must_be_the_registered_one(tmp_path, monkeypatch):
    monkeypatch.setenv("MOLSIEVE_DATA_MIRROR", str(tmp_path))
    (tmp_path / "one.csv").write_text("smiles,y\nCC,1\n")
    digest = hashlib.sha256((tmp_path / "one.csv").read_bytes()).hexdigest()
    right = DataFile(path="one.csv", url="https://example.org/one.csv", sha256=digest)
    assert locate(right, tmp_path / "cache") == tmp_path / "one.csv"
    with pytest.raises(MolsieveError, match="not the registered one"):
        locate(right.model_copy(update={"sha256": "0" * 64}), tmp_path / "cache")
    with pytest.raises(MolsieveError, match="not in the mirror"):
        locate(right.model_copy(update={"path": "two.csv"}), tmp_path / "cache")


@pytest.mark.mirror
def test_every_registered_file_is_in_the_mirror_with_its_digest_and_columns(registry, mirror, tmp_path):
    rows = {d.name: len(d.read(tmp_path)) for d in registry.datasets}
    assert rows["wong2023"] == 39_312
    assert rows["liu2023"] == 7_684
    assert rows["herg_cai2019"] == 13_027


@pytest.mark.mirror
def test_the_rule_for_a_baumannii_gives_the_published_actives(registry, mirror, tmp_path):
    dataset = next(d for d in registry.datasets if d.name == "liu2023")
    assert values(dataset.read(tmp_path), dataset.labels[0].rule).sum() == 480
