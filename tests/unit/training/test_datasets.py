import hashlib
from pathlib import Path

import pandas as pd
import pytest
import yaml
from rdkit import Chem
from rdkit.Chem import AllChem

from molsieve.errors import MolsieveError
from molsieve.training.datasets import (
    Auxiliary,
    BinaryRule,
    DataFile,
    Dataset,
    DeviationRule,
    ThresholdRule,
    ValueRule,
    load_registry,
    locate,
    published_split,
    values,
)

SHIPPED = [
    *("saureus_growth_inhibition", "ecoli_growth_inhibition", "abaumannii_growth_inhibition"),
    *("tox21_nr_ar", "tox21_nr_ar_lbd", "tox21_nr_ahr", "tox21_nr_aromatase", "tox21_nr_er", "tox21_nr_er_lbd"),
    *("tox21_nr_ppar_gamma", "tox21_sr_are", "tox21_sr_atad5", "tox21_sr_hse", "tox21_sr_mmp", "tox21_sr_p53"),
    *("ames", "herg", "dili", "clintox", "skin_reaction", "carcinogens", "ld50", "tetrahymena_igc50"),
    *("bbb", "hia", "pgp_inhibition", "bioavailability"),
    *("cyp1a2_inhibition", "cyp2c19_inhibition", "cyp2c9_inhibition", "cyp2d6_inhibition", "cyp3a4_inhibition"),
    *("cyp2c9_substrate", "cyp2d6_substrate", "cyp3a4_substrate", "ppbr", "clearance_hepatocyte"),
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


NO_CACHE = Path("nowhere")  # the mirror is set


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Put a file into a mirror; returns its entry in the registry."""
    monkeypatch.setenv("MOLSIEVE_DATA_MIRROR", str(tmp_path))

    def store(name, content):
        (tmp_path / name).write_text(content)
        digest = hashlib.sha256(content.encode()).hexdigest()
        return {"path": name, "url": f"https://example.org/{name}", "sha256": digest}

    return store


def described(file, **changes):
    return Dataset.model_validate({**DOCUMENT["datasets"][0], "files": [file], **changes})


def written(tmp_path, document):
    path = tmp_path / "datasets.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def changed(**changes):
    return {**DOCUMENT, "datasets": [{**DOCUMENT["datasets"][0], **changes}]}


def test_the_shipped_registry_has_the_endpoints_in_order(registry):
    names = [e.name for e in registry.endpoints]
    assert names[: len(SHIPPED)] == SHIPPED
    gut = [e for e in registry.endpoints if e.family == "gut"]
    assert [e.name for e in gut] == names[len(SHIPPED) :]
    assert len(gut) == 40
    assert [e.value_column for e in registry.endpoints if e.is_regression] == [
        "ld50_neg_log_mol_per_kg",
        "tetrahymena_igc50_neg_log_mol_per_l",
        "ppbr_percent_bound",
        "clearance_hepatocyte_log10_ul_min_10e6_cells",
    ]
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
        (changed(labels=[]), "either labels or auxiliary"),
        (changed(auxiliary={"prefix": "extra_"}), "either labels or auxiliary"),
        (changed(split={"column": "part", "parts": {"train": "ws"}}), "split.parts"),
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


def test_logarithms_refuse_what_has_none():
    rule = ValueRule(kind="value", column="x", transform="log10")
    assert values(pd.DataFrame({"x": ["100", "0.1", None]}), rule).fillna(9).tolist() == [2, -1, 9]
    with pytest.raises(MolsieveError, match="1 cells of column x are zero or negative"):
        values(pd.DataFrame({"x": ["1", "0"]}), rule)


def test_joined_labels_follow_the_key_and_not_the_order_of_the_rows(stored):
    compounds = stored("compounds.tsv", "id\tsmiles\na\tCC\nb\tCCC\n")
    labels = stored("labels.tsv", "id\ty\nb\t1\na\t0\n")
    table = described(compounds, separator="\t", joins=[{"file": labels, "key": "id"}]).read(NO_CACHE)
    assert table.set_index("smiles")["y"].to_dict() == {"CC": "0", "CCC": "1"}


@pytest.mark.parametrize("labels", ["id\ty\na\t0\n", "id\ty\na\t0\na\t1\n", "id\ty\na\t0\nb\t1\nc\t1\n"])
def test_rows_without_exactly_one_counterpart_are_refused(stored, labels):
    compounds = stored("compounds.tsv", "id\tsmiles\na\tCC\nb\tCCC\n")
    dataset = described(compounds, separator="\t", joins=[{"file": stored("labels.tsv", labels), "key": "id"}])
    with pytest.raises(MolsieveError, match="each once"):
        dataset.read(NO_CACHE)


def test_an_sd_file_gives_structures_and_properties_and_keeps_the_row_it_cannot_parse(stored):
    mol = Chem.MolFromSmiles("C[C@H](N)C(=O)O")
    AllChem.Compute2DCoords(mol)
    block = Chem.MolToMolBlock(mol)
    record = f"{block}>  <y>\n1\n\n>  <SET>\nws\n\n$$$$\n"
    broken = "\n\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n    0 0 0 Nonsense\nM  END\n>  <y>\n0\n\n$$$$\n"
    table = described(stored("d.sdf", record + broken + record), format="sdf").read(NO_CACHE)
    assert table["smiles"].fillna("").tolist() == ["C[C@H](N)C(=O)O", "", "C[C@H](N)C(=O)O"]
    assert table["y"].fillna("").tolist() == ["1", "", "1"]


def test_auxiliary_columns_become_tasks_with_snake_case_names(stored):
    file = stored("d.csv", "smiles,TOX21_p53.2,APR_up\nCC,1.0,\n")
    dataset = described(file, labels=[], auxiliary={"prefix": "extra_"})
    found = {label.endpoint: label.rule.column for label in dataset.labels_in(dataset.read(NO_CACHE))}
    assert found == {"extra_tox21_p53_2": "TOX21_p53.2", "extra_apr_up": "APR_up"}
    with pytest.raises(MolsieveError, match="differ only in case"):
        dataset.labels_in(pd.DataFrame(columns=["smiles", "A_b", "a.B"]))
    assert (Auxiliary(prefix="x_").min_labels, Auxiliary(prefix="x_").min_positives) == (500, 50)


def test_the_published_split_names_the_part_of_each_row(stored):
    file = stored("d.csv", "smiles,y,part\nCC,1,ts\nCCC,0,ws\n")
    split = {"column": "part", "parts": {"train": "ws", "test": "ts"}}
    rows = published_split(described(file, split=split), NO_CACHE)
    assert rows.to_numpy().tolist() == [["CC", "test"], ["CCC", "train"]]
    with pytest.raises(MolsieveError, match="'ts'"):
        published_split(described(file, split={**split, "parts": {"train": "ws", "test": "no"}}), NO_CACHE)
    with pytest.raises(MolsieveError, match="no published split"):
        published_split(described(file), NO_CACHE)


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
    assert rows["maier2018"] == 1_077
    assert rows["tetrahymena_ochem"] == 1_780
    assert rows["toxcast"] == 8_615


@pytest.mark.mirror
def test_the_unit_of_the_tetrahymena_test_is_that_of_known_compounds(registry, mirror, tmp_path):
    dataset = next(d for d in registry.datasets if d.name == "tetrahymena_ochem")
    table = dataset.read(tmp_path).set_index("smiles")
    found = values(table, dataset.labels[0].rule)
    # log10(1/mM) in the literature: ethanol -1.99, nitrobenzene 0.14
    assert found[["CCO", "O=[N+]([O-])c1ccccc1"]].tolist() == pytest.approx([3 - 1.99, 3 + 0.14], abs=0.01)


@pytest.mark.mirror
def test_the_rule_for_a_baumannii_gives_the_published_actives(registry, mirror, tmp_path):
    dataset = next(d for d in registry.datasets if d.name == "liu2023")
    assert values(dataset.read(tmp_path), dataset.labels[0].rule).sum() == 480
