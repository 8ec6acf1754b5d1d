import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from molsieve.chemistry.standardise import StandardiseOptions
from molsieve.models.endpoints import Endpoint
from molsieve.training.curation import aggregate, collect, curate, scaffold_of, structures_of, table_digest
from molsieve.training.datasets import Dataset, Label, Registry, ValueRule

FACTS = {"family": "toxicity", "description": ".", "organism": "x", "positive_means": "."}
ACTIVE = Endpoint(name="active", task="classification", title="Active", **FACTS)
DOSE = Endpoint(name="dose", task="regression", unit="g", title="Dose", **FACTS)


def measured(*rows):
    return pd.DataFrame(rows, columns=["endpoint", "parent_smiles", "connectivity", "value"])


def dataset(name, labels):
    return Dataset(
        name=name,
        title=name,
        citation="x",
        doi="10.1000/x",
        licence="MIT",
        files=[{"path": f"{name}.csv", "url": "https://example.org/x.csv", "sha256": "0" * 64}],
        structure_column="smiles",
        labels=labels,
    )


def binary(keep="all"):
    return Label(endpoint="active", rule={"kind": "binary", "column": "y"}, keep=keep)


def test_replicates_that_disagree_are_dropped_and_those_that_agree_are_one():
    table, reports = aggregate(
        measured(
            ("active", "CCO", "A", 1.0),
            ("active", "CCO", "A", 1.0),
            ("active", "CCN", "B", 1.0),
            ("active", "CCN", "B", 0.0),
            ("active", "CCC", "C", 0.0),
        ),
        [ACTIVE],
    )
    assert table["active"].to_dict() == {"A": 1.0, "C": 0.0}
    report = reports["active"]
    assert (report.labels, report.replicates, report.conflicts, report.n, report.n_positive) == (5, 2, 1, 2, 1)


def test_stereoisomers_are_one_molecule_and_positive_when_any_is():
    rows = [("active", "C[C@H](N)O", "A", 0.0), ("active", "C[C@@H](N)O", "A", 1.0), ("active", "CC", "B", 0.0)]
    table, reports = aggregate(measured(*rows), [ACTIVE])
    assert table["active"].to_dict() == {"A": 1.0, "B": 0.0}
    assert (reports["active"].stereoisomers, reports["active"].mixed, reports["active"].conflicts) == (1, 1, 0)


def test_numbers_are_averaged_within_the_parent_first():
    rows = [("dose", "a", "A", 1.0), ("dose", "a", "A", 3.0), ("dose", "b", "A", 4.0)]
    table, _ = aggregate(measured(*rows), [DOSE])
    assert table["dose"].to_dict() == {"A": 3.0}


def test_endpoints_share_a_row_and_the_order_of_the_input_does_not_matter():
    rows = [("active", "CCO", "B", 1.0), ("dose", "CCO", "B", 2.0), ("dose", "CC", "A", 1.0)]
    table, _ = aggregate(measured(*rows), [ACTIVE, DOSE])
    again, _ = aggregate(measured(*rows[::-1]), [ACTIVE, DOSE])
    pd.testing.assert_frame_equal(table, again)
    assert list(table.index) == ["A", "B"]
    assert table["active"].isna().tolist() == [True, False]


def test_labels_the_registry_leaves_out_are_counted():
    table = pd.DataFrame({"smiles": ["CCO", "CCC", "nonsense", None], "y": ["1", "0", "1", "1"]})
    structures = dict(zip(["CCO", "CCC", "nonsense"], structures_of(["CCO", "CCC", "nonsense"], OPTIONS), strict=True))
    found, reports = collect([dataset("d", [binary(keep="negative")])], {"d": table}, structures)
    assert found[["parent_smiles", "value"]].to_numpy().tolist() == [["CCC", 0.0]]
    report = reports["d"]
    assert (report.rows, report.left_out, report.labels) == (4, 1, 1)
    assert report.rejected["empty_structure"] == 1
    assert sum(report.rejected.values()) == 2


OPTIONS = StandardiseOptions()


def test_salts_and_stereoisomers_share_a_connectivity():
    texts = ["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O.Cl", "NCCC(=O)O"]
    keys = [s.connectivity for s in structures_of(texts, OPTIONS)]
    assert keys[0] == keys[1] != keys[2]


def test_scaffolds():
    from rdkit import Chem

    assert scaffold_of(Chem.MolFromSmiles("CCc1ccccc1")) == "c1ccccc1"
    assert scaffold_of(Chem.MolFromSmiles("CCO")) == ""


def test_a_whole_curation(tmp_path, monkeypatch):
    import hashlib

    content = "smiles,y,dose\nCCO,1,2.5\nOCC,1,3.5\nCC(=O)Oc1ccccc1C(=O)O,0,\nxyz,1,1\n"
    (tmp_path / "d.csv").write_text(content)
    monkeypatch.setenv("MOLSIEVE_DATA_MIRROR", str(tmp_path))
    labels = [binary(), Label(endpoint="dose", rule=ValueRule(kind="value", column="dose"))]
    digest = hashlib.sha256(content.encode()).hexdigest()
    source = dataset("d", labels)
    source = source.model_copy(update={"files": (source.files[0].model_copy(update={"sha256": digest}),)})
    registry = Registry(endpoints=(ACTIVE, DOSE), datasets=(source,))
    out, report = tmp_path / "out" / "table.parquet", tmp_path / "out" / "report.json"
    summary = curate(registry, out, report, options=OPTIONS, cache=tmp_path, workers=1)
    table = pq.read_table(out)
    assert table["parent_smiles"].to_pylist() == ["CC(=O)Oc1ccccc1C(=O)O", "CCO"]
    assert table["dose"].to_pylist() == [None, 3.0]
    assert table["active"].to_pylist() == [0.0, 1.0]
    assert table["mw_da"].to_pylist() == pytest.approx([180.159, 46.069], abs=1e-2)
    assert json.loads(report.read_text())["datasets"]["d"]["rows"] == 4
    assert summary.table_digest == table_digest(table.take([1, 0]), [ACTIVE, DOSE])
    assert summary.table_digest != table_digest(table.slice(0, 1), [ACTIVE, DOSE])


@pytest.mark.mirror
@pytest.mark.parametrize(("name", "unparsable"), [("tox21", 8), ("wong2023", 1)])
def test_rows_rdkit_cannot_parse(registry, mirror, tmp_path, name, unparsable):
    from molsieve.chemistry.standardise import RejectedStructure, parse

    source = next(d for d in registry.datasets if d.name == name)
    failed = 0
    for smiles in source.read(tmp_path)[source.structure_column]:
        try:
            parse(smiles, "smiles")
        except RejectedStructure:
            failed += 1
    assert failed == unparsable
