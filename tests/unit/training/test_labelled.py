import gzip
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem

from molsieve.chemistry.fingerprints import morgan_bits
from molsieve.errors import MolsieveError
from molsieve.training.labelled import LEAST_MOLECULES, check_split, read_labelled
from molsieve.training.row_account import ROWS

RINGS = [f"c1ccccc1{'C' * n}O" for n in range(1, 31)]
LABELS = [n % 2 for n in range(30)]
ALANINES = ["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"]


@pytest.fixture
def write(tmp_path):
    def _write(rows, name="assay.csv", header="smiles,y", separator=","):
        path = tmp_path / name
        path.write_text("\n".join([header, *(separator.join(map(str, row)) for row in rows)]) + "\n")
        return path

    return _write


def good(n=30):
    return list(zip(RINGS[:n], LABELS[:n], strict=True))


def refused(*arguments, **options):
    with pytest.raises(MolsieveError) as error:
        read_labelled(*arguments, **options)
    assert error.value.where
    assert error.value.fix
    return str(error.value)


def texts(data):
    return {decision.code: decision.text for decision in data.decisions}


def test_one_row_a_molecule(write):
    data = read_labelled(write(good()), "smiles", "y", None)
    assert (data.task, data.molecules, data.name) == ("classification", 30, "assay.csv")
    assert data.parent_smiles.tolist() == [Chem.CanonSmiles(s) for s in RINGS]
    assert data.label.tolist() == LABELS
    assert data.first_row.tolist() == list(range(1, 31))
    assert all(len(key) == 14 for key in data.connectivity)
    own = data.bits.bits[data.bits.offsets[2] : data.bits.offsets[3]]
    assert own.tolist() == list(morgan_bits(Chem.MolFromSmiles(RINGS[2])).GetOnBits())
    assert data.rows.schema.names == [column.name for column in ROWS]
    assert texts(data) == {
        "read": "30 rows read: structures from column 'smiles', labels from 'y'.",
        "task": "The labels are classes, so the task is classification.",
        "mapping": "Positive (1): '1'; negative (0): '0'.",
        "molecules": "30 molecules with a label: 15 positive, 15 negative.",
    }


def test_every_row_is_accounted_for(write):
    extra = [
        ("nonsense", 1),  # 31
        (RINGS[0] + ".Cl", 0),  # 32: a salt of row 1, same label
        ("CCCN", ""),  # 33
        ("CCCCl", 1),  # 34
        ("ClCCC", 0),  # 35: disagrees with 34
        (ALANINES[0], 0),  # 36
        (ALANINES[1], 1),  # 37: the mirror image
        ("[Na+].[Cl-]", 1),  # 38
        ("", 1),  # 39
    ]
    data = read_labelled(write(good() + extra), "smiles", "y", "classification")
    rows = data.rows.to_pylist()
    assert [row["row"] for row in rows] == list(range(1, 40))
    status = ["rejected", "replicate", "no_label", "conflict", "conflict", "used", "replicate", "rejected", "rejected"]
    assert [row["status"] for row in rows[30:]] == status
    reasons = {"unparsable": 1, "no_organic_fragment": 1, "empty_structure": 1}
    assert Counter(row["reason_code"] for row in rows if row["reason_code"]) == reasons
    assert rows[31]["reason"] == "The same structure as row 1."
    assert rows[34]["reason"] == "Rows of this structure have both classes: rows 34, 35."
    assert rows[36]["reason"] == "The same molecule, drawn otherwise, as row 36."
    assert data.molecules == 31 == sum(row["status"] == "used" for row in rows)
    assert data.label[30] == 1.0
    assert data.first_row[30] == 36
    assert rows[36]["molecule"] == 30
    assert rows[36]["structure"] == ALANINES[1]
    assert data.parent_smiles[30] == min(Chem.CanonSmiles(s) for s in ALANINES)
    told = texts(data)
    assert told["rejected_unparsable"].startswith("1 row rejected, unparsable: row 31. ")
    assert told["no_label"] == "1 row without a label: row 33."
    assert told["conflict"] == "1 structure dropped: replicate labels disagree (2 rows: rows 34, 35)."
    assert told["replicates"] == "1 structure measured more than once, 2 rows: the labels agree and count once."
    assert told["mixed"] == "1 molecule with stereoisomers that disagree count as positive: rows 36, 37."


def test_numbers_are_averaged_and_the_spread_reported(write):
    rows = [(s, n + 0.5) for n, s in enumerate(RINGS)]
    extra = [(RINGS[0], 2.5), (ALANINES[0], 1.0), (ALANINES[1], 2.0)]
    data = read_labelled(write(rows + extra), "smiles", "y", None)
    assert data.task == "regression"
    assert data.label[0] == 1.5
    assert data.label[30] == 1.5
    told = texts(data)
    assert told["replicates"] == (
        "1 structure measured more than once, 2 rows: averaged; the labels of one differ by 2 (median), at most 2."
    )
    assert told["isomers"].endswith("averaged; the labels of one differ by 1 (median), at most 1.")
    assert "conflict" not in told


def frame():
    return pd.DataFrame({"id": [f"X{n}" for n in range(30)], "smiles": RINGS, "y": LABELS})


def csv(text, name):
    def _write(folder):
        path = folder / name
        content = text.encode("utf-8-sig") if name.startswith("bom") else text.encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return _write


def parquet(table):
    def _write(folder):
        pq.write_table(table, folder / "a.parquet")
        return folder / "a.parquet"

    return _write


def sdf(folder):
    records = [
        f"{Chem.MolToMolBlock(Chem.MolFromSmiles(s))}> <y>\n{y}\n\n$$$$\n" for s, y in zip(RINGS, LABELS, strict=True)
    ]
    (folder / "a.sdf").write_text("".join(records))
    return folder / "a.sdf"


@pytest.mark.parametrize(
    "make",
    [
        csv(frame().to_csv(index=False), "plain.csv"),
        csv(frame().to_csv(index=False), "bom.csv"),
        csv(frame().to_csv(index=False, sep=";"), "semicolon.csv"),
        csv(frame().to_csv(index=False, sep="\t"), "tabs.tsv"),
        csv(frame().to_csv(index=False, sep="|"), "pipes.txt"),
        csv(frame().to_csv(index=False, quoting=1, lineterminator="\r\n"), "quoted.csv"),
        csv("My assay of 2024,,\n" + frame().to_csv(index=False), "title.csv"),
        csv(frame().to_csv(index=False), "packed.csv.gz"),
        csv("\n".join(["smiles y", *(f"{s} {y}" for s, y in zip(RINGS, LABELS, strict=True))]), "lines.smi"),
        parquet(pa.Table.from_pandas(frame())),
        parquet(pa.Table.from_pandas(frame().assign(y=frame()["y"].astype(bool)))),
        parquet(pa.Table.from_pandas(frame().assign(y=frame()["y"].astype(float)))),
        sdf,
    ],
)
def test_formats(tmp_path, make):
    data = read_labelled(make(tmp_path), None, "y", None)
    assert data.task == "classification"
    assert data.label.tolist() == LABELS
    assert data.parent_smiles.tolist() == [Chem.CanonSmiles(s) for s in RINGS]


def test_the_label_may_look_like_an_identifier(write):
    rows = [(s, n / 7) for n, s in enumerate(RINGS)]
    data = read_labelled(write(rows, header="smiles,compound_id"), "smiles", "compound_id", None)
    np.testing.assert_allclose(data.label, [n / 7 for n in range(30)])


def test_a_comma_too_many_does_not_give_another_label(write):
    path = write([*good(), ("CCCN,a name, with a comma", 1)], header="smiles,name,y")
    path.write_text(path.read_text().replace("O,", "O,x,"))
    data = read_labelled(path, "smiles", "y", None)
    assert data.molecules == 30
    assert data.rows["reason_code"].to_pylist()[30] == "too_many_fields"
    assert data.rows["status"].to_pylist()[30] == "rejected"


def test_a_missing_file_names_its_neighbour(write):
    path = write(good())
    assert "assay.csv?" in refused(path.with_name("asay.csv"), "smiles", "y", None)


def test_a_missing_column_names_its_neighbour(write):
    path = write(good(), header="smiles,active")
    assert "Did you mean 'active'?" in refused(path, "smiles", "activ", None)
    assert "Did you mean 'smiles'?" in refused(path, "smlies", "active", None)
    assert "--label is 'activ'" in refused(path, "smiles", "activ", None)
    assert "there is no such column" in refused(path, "smiles", "active", None, split_column="fold")
    assert "two things" in refused(path, "smiles", "smiles", None)


def test_labels_that_are_none(write):
    message = refused(write([*good(), ("CCCN", "maybe")]), "smiles", "y", None)
    assert "row 31: 'maybe'" in message
    message = refused(write([(s, n) for n, s in enumerate(RINGS)]), "smiles", "y", "classification")
    assert "Write 1 for every compound you call active" in message


def test_labels_where_structures_were_meant(write):
    path = write([(f"A{n}", s, y) for n, (s, y) in enumerate(good())], header="code,drawn,active")
    said = refused(path, "active", "drawn", None)
    assert "'drawn', named for the labels, holds structures, and 'active' holds none" in said
    assert "--smiles drawn --label active" in said
    assert "Give --smiles drawn." in refused(path, "code", "active", None)


def test_structures_where_labels_were_meant(write):
    path = write([(s, s, y) for s, y in good()], header="smiles,parent,y")
    assert "Columns that hold classes or numbers: y." in refused(path, "smiles", "parent", None)
    assert "no column holds classes" in refused(
        write([(s, s, "?") for s in RINGS], header="smiles,parent,y"), "smiles", "parent", None
    )


def test_grades_are_not_taken_for_measurements(write):
    path = write([(s, n % 3) for n, s in enumerate(RINGS)])
    assert "3 different whole numbers only (0, 1, 2)" in refused(path, "smiles", "y", None)
    assert read_labelled(path, "smiles", "y", "regression").task == "regression"


def test_classes_taken_as_values_are_reported(write):
    assert "taken as values" in texts(read_labelled(write(good()), "smiles", "y", "regression"))["classes_as_values"]


def test_every_structure_with_both_classes(write):
    path = write([*good(), *((s, 1 - y) for s, y in good())])
    assert "keep the rows that are right" in refused(path, "smiles", "y", None)


def test_one_class_only(write):
    assert "same label: active" in refused(write([(s, 1) for s in RINGS]), "smiles", "y", None)
    assert "same label: 2.5" in refused(write([(s, 2.5) for s in RINGS]), "smiles", "y", "regression")


def test_too_few_molecules(write):
    message = refused(write([*good(10), ("nonsense", 1)]), "smiles", "y", None)
    assert "11 rows leave 10 molecules with a label; at least 20 are needed (of the other rows: rejected 1)" in message
    assert LEAST_MOLECULES == 20
    assert read_labelled(write(good(10)), "smiles", "y", None, least=5).molecules == 10


def test_no_structure_at_all(write):
    message = refused(write([(f"compound {n}", n % 2) for n in range(30)]), "smiles", "y", None)
    assert "None of the 30 rows can be used" in message
    assert "'compound 0'" in message


def test_a_workbook_is_refused_with_advice(tmp_path):
    (tmp_path / "assay.xlsx").write_bytes(b"PK\x03\x04" + bytes(100))
    message = refused(tmp_path / "assay.xlsx", "smiles", "y", None)
    assert "Excel" in message
    assert "CSV" in message


def test_two_files_are_refused(write):
    assert "2 files" in refused(write(good(), "b.csv").parent / write(good()).with_name("*.csv"), "smiles", "y", None)


def split_file(write, parts, extra=()):
    rows = [(s, y, part) for (s, y), part in zip(good(), parts, strict=True)]
    return read_labelled(write([*rows, *extra], header="smiles,y,part"), "smiles", "y", None, split_column="part")


def test_a_clean_split(write):
    data = split_file(write, ["train"] * 20 + ["test"] * 10, [("nonsense", 1, "")])
    split = check_split(data)
    assert split.part.tolist() == ["train"] * 20 + ["test"] * 10
    assert [d.text for d in split.decisions] == ["The split has the parts train 20, test 10 (molecules)."]


def test_a_leaking_split_is_refused_or_repaired(write):
    leaks = [(RINGS[0] + ".Cl", 0, "test"), (RINGS[29], 1, "train")]
    data = split_file(write, ["train"] * 20 + ["test"] * 10, leaks)
    with pytest.raises(MolsieveError) as error:
        check_split(data)
    assert "The split leaks: 2 of 30 molecules are in more than one part" in error.value.what
    assert "row 1 (train) and row 31 (test)" in error.value.what
    split = check_split(data, repair=True)
    assert Counter(split.part) == {"train": 21, "test": 9}
    assert split.part[0] == split.part[29] == "train"
    assert split.decisions[1].count == 2


def test_splits_that_say_nothing(write):
    data = split_file(write, ["train"] * 20 + ["test"] * 9 + [""])
    with pytest.raises(MolsieveError, match="1 row without a part of the split: row 30"):
        check_split(data)
    with pytest.raises(MolsieveError, match="one part only"):
        check_split(data, ["train"] * 30)
    assert Counter(check_split(data, ["a", "b", "c"] * 10).part) == {"a": 10, "b": 10, "c": 10}
    assert Counter(check_split(data, ["Test", "train", "TEST"] * 10).part) == {"Test": 20, "train": 10}
    with pytest.raises(MolsieveError, match="one part only"):
        check_split(data, ["Train", "train"] * 15)
    with pytest.raises(ValueError, match="values for 30 rows"):
        check_split(data, ["a"])


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("file", "label", "task", "positives"),
    [
        ("toxicity/herg.tab", "Y", "classification", None),
        ("toxicity/ld50_zhu.csv", "ld50_zhu", "regression", None),
        ("activity/ecoli_stokes2020.csv", "Activity", "classification", 116),
        ("toxicity/Tetrahymena_pyriformis_Test_set_OCHEM.sdf", "IGC50", "regression", None),
        ("adme/ppbr_az.csv", "ppbr_az", "regression", None),
    ],
)
def test_published_files(mirror, file, label, task, positives):
    data = read_labelled(mirror / file, None, label, None)
    assert data.task == task
    status = Counter(data.rows["status"].to_pylist())
    assert sum(status.values()) == data.rows.num_rows
    assert status["used"] == data.molecules == len(set(data.connectivity))
    assert positives is None or data.label.sum() == positives


@pytest.mark.mirror
def test_the_same_labels_as_the_training_data(mirror, registry, tmp_path):
    """Our own reading of Stokes 2020 and the curation of the registry agree on every molecule."""
    from molsieve.chemistry.standardise import StandardiseOptions
    from molsieve.training.curation import aggregate, collect, structures_of

    dataset = next(d for d in registry.datasets if d.name == "stokes2020")
    table = dataset.read(tmp_path)
    smiles = table[dataset.structure_column].dropna().unique().tolist()
    structures = dict(zip(smiles, structures_of(smiles, StandardiseOptions()), strict=True))
    measurements, _ = collect([dataset], {dataset.name: table}, structures)
    endpoint = next(e for e in registry.endpoints if e.name == "ecoli_growth_inhibition")
    expected, _ = aggregate(measurements, [endpoint])
    data = read_labelled(mirror / "activity" / "ecoli_stokes2020.csv", "SMILES", "Activity", None)
    own = pd.Series(data.label, index=data.connectivity).sort_index()
    pd.testing.assert_series_equal(own, expected[endpoint.name], check_names=False)
