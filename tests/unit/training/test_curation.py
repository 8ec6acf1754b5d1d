import hashlib
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molsieve.chemistry.standardise import StandardiseOptions
from molsieve.errors import MolsieveError
from molsieve.models.endpoints import Endpoint
from molsieve.training.curation import (
    aggregate,
    collect,
    curate,
    published_parts,
    read_auxiliary,
    read_table,
    scaffold_of,
    structures_of,
    table_digest,
)
from molsieve.training.datasets import Auxiliary, Dataset, Label, PublishedSplit, Registry, ValueRule

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


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Put the file of a data set into a mirror; returns the data set with the right digest."""
    monkeypatch.setenv("MOLSIEVE_DATA_MIRROR", str(tmp_path))

    def store(source, content):
        (tmp_path / source.files[0].path).write_text(content)
        digest = hashlib.sha256(content.encode()).hexdigest()
        return source.model_copy(update={"files": (source.files[0].model_copy(update={"sha256": digest}),)})

    return store


def test_a_whole_curation(tmp_path, stored):
    content = "smiles,y,dose\nCCO,1,2.5\nOCC,1,3.5\nCC(=O)Oc1ccccc1C(=O)O,0,\nxyz,1,1\n"
    labels = [binary(), Label(endpoint="dose", rule=ValueRule(kind="value", column="dose"))]
    registry = Registry(endpoints=(ACTIVE, DOSE), datasets=(stored(dataset("d", labels), content),))
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


def test_auxiliary_tasks_have_their_own_table_and_leave_the_main_one_alone(tmp_path, stored):
    # methylimidazole drawn as two tautomers of one connectivity: the main table's drawing stands in both
    main = stored(dataset("d", [binary()]), "smiles,y\nCc1c[nH]cn1,1\n")
    limits = Auxiliary(prefix="extra_", min_labels=3, min_positives=1)
    extra = dataset("extra", [binary()]).model_copy(update={"labels": (), "auxiliary": limits})
    extra = stored(extra, "smiles,A-1,rare,few\nCc1cnc[nH]1,1,0,1\nCCN,0,0,\nCCC,0,0,\nCO,,,1\nxyz,1,1,1\n")
    registry = Registry(endpoints=(ACTIVE,), datasets=(main, extra))
    out, report, auxiliary = tmp_path / "table.parquet", tmp_path / "report.json", tmp_path / "auxiliary.parquet"
    alone = curate(registry, out, report, options=OPTIONS, cache=tmp_path, workers=1)
    assert (alone.auxiliary, list(alone.datasets)) == (None, ["d"])
    summary = curate(registry, out, report, options=OPTIONS, cache=tmp_path, workers=1, auxiliary=auxiliary)
    assert summary.table_digest == alone.table_digest
    assert summary.datasets["extra"].rows == 5
    assert summary.auxiliary.dropped == ["extra_rare", "extra_few"]  # no positive; 2 molecules
    assert (summary.auxiliary.molecules, summary.auxiliary.labels, summary.auxiliary.positives) == (3, 3, 1)
    table, tasks = read_auxiliary(auxiliary)
    assert tasks == ("extra_a_1",)
    labels = dict(zip(table["parent_smiles"].to_pylist(), table["extra_a_1"].to_pylist(), strict=True))
    assert labels == {"Cc1c[nH]cn1": 1.0, "CCN": 0.0, "CCC": 0.0}
    curated = read_table(out, [ACTIVE])
    same = table["connectivity"].to_pylist().index(curated["connectivity"][0].as_py())
    assert table["morgan_ids"][same] == curated["morgan_ids"][0]
    with pytest.raises(MolsieveError, match="other endpoints"):
        read_table(auxiliary, [ACTIVE])
    pq.write_table(pa.table({"connectivity": ["A"]}), out)
    with pytest.raises(MolsieveError, match="no table of auxiliary tasks"):
        read_auxiliary(out)


def test_an_auxiliary_table_needs_tasks(tmp_path, stored):
    main = stored(dataset("d", [binary()]), "smiles,y\nCCO,0\n")
    extra = dataset("extra", [binary()]).model_copy(update={"labels": (), "auxiliary": Auxiliary(prefix="extra_")})
    extra = stored(extra, "smiles,a\nCCO,1\n")
    paths = [tmp_path / name for name in ("table.parquet", "report.json")]
    for sources, message in (((main,), "no auxiliary data set"), ((main, extra), "No auxiliary task has enough")):
        registry = Registry(endpoints=(ACTIVE,), datasets=sources)
        with pytest.raises(MolsieveError, match=message):
            curate(registry, *paths, options=OPTIONS, cache=tmp_path, workers=1, auxiliary=tmp_path / "a.parquet")


def test_a_molecule_in_several_published_parts_is_for_training(tmp_path, stored):
    split = PublishedSplit(column="part", parts={"train": "ws", "test": "ts"})
    source = dataset("d", [binary()]).model_copy(update={"split": split})
    source = stored(source, "smiles,y,part\nCCO,1,ts\nOCC.Cl,1,ws\nCCC,0,ts\nxyz,0,ts\n")
    keys = [s.connectivity for s in structures_of(["CCO", "CCC"], OPTIONS)]
    assert published_parts(source, tmp_path, OPTIONS).to_dict() == {keys[0]: "train", keys[1]: "test"}


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("name", "parts"),
    [("maier2018", {"train": 933, "validation": 120}), ("tetrahymena_ochem", {"train": 1424, "test": 355})],
)
def test_published_splits_of_the_curated_molecules(registry, mirror, tmp_path, name, parts):
    source = next(d for d in registry.datasets if d.name == name)
    assert published_parts(source, tmp_path, OPTIONS).value_counts().to_dict() == parts


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
