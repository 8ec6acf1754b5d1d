from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem
from safetensors.numpy import save

from molsieve import project_root
from molsieve.chemistry.fingerprints import sparse_morgan
from molsieve.chemistry.standardise import StandardiseOptions, digest
from molsieve.errors import MolsieveError
from molsieve.models import store
from molsieve.models.endpoints import INFO
from molsieve.models.record import TrainingRecord
from molsieve.training.labelled import read_labelled
from molsieve.training.leak_sources import labelled_set, leak_set, library_set, model_set, split_sets
from molsieve.training.leaks import ledger, overlap, refuse_overlap, without_overlap

SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "Oc1ccccc1", "Oc1ccccc1.Cl", "nonsense", "CCN(CC)CC"]
DISTINCT = [SMILES[0], SMILES[1], SMILES[4]]


@pytest.fixture
def library(tmp_path):
    path = tmp_path / "library.csv"
    path.write_text("id,structure\n" + "".join(f"X{n},{s}\n" for n, s in enumerate(SMILES)))
    return path


def curated_table():
    mols = [Chem.MolFromSmiles(s) for s in DISTINCT]
    ids = [sparse_morgan(mol)[0] for mol in mols]
    keys = [Chem.MolToInchiKey(mol)[:14] for mol in mols]
    return pa.table(
        {"connectivity": keys, "parent_smiles": DISTINCT, "morgan_ids": pa.array(ids, pa.list_(pa.uint32()))}
    )


def result_folder(folder):
    """Two parts of a result set: what a ledger reads of it."""
    (folder / "compounds").mkdir(parents=True)
    status = ["ok", "ok", "duplicate", "rejected", "ok"]
    rows = pd.DataFrame({"record_id": range(5), "status": status, "parent_smiles": SMILES})
    rows.loc[3, "parent_smiles"] = None
    rows.loc[2, "parent_smiles"] = SMILES[1]
    for n, part in enumerate((rows[:2], rows[2:])):
        pq.write_table(pa.Table.from_pandas(part), folder / "compounds" / f"part-0000{n}.parquet")
    return folder


def test_a_library(library):
    found = leak_set(str(library))
    assert (found.name, found.rows, found.molecules) == ("library.csv", 5, 3)
    assert list(found.places) == ["row 1", "row 2", "row 5"]
    assert found.note == "1 row without a usable structure"
    assert list(found.smiles) == DISTINCT


def test_a_library_of_several_files(library):
    library.with_name("more.smi").write_text("CCCCO name\n")
    found = leak_set(str(library.parent), name="all")
    assert found.places[-1] == "more.smi row 1"
    assert found.molecules == 4


def test_the_column_may_be_named_in_two_ways(library):
    text = library.read_text().replace("id,structure", "smiles,foo")
    library.write_text(text)
    for found in (leak_set(f"{library}::structure_column=foo"), library_set(str(library), smiles_column="foo")):
        assert found.molecules == 3


def test_a_column_is_not_looked_for_in_sd_files(tmp_path):
    (tmp_path / "a.sdf").write_text(Chem.MolToMolBlock(Chem.MolFromSmiles("CCCO")) + "$$$$\n")
    assert leak_set(str(tmp_path / "a.sdf"), smiles_column="foo").molecules == 1


def test_nothing_usable(tmp_path):
    (tmp_path / "a.csv").write_text("smiles\nnonsense\n")
    with pytest.raises(MolsieveError, match="No usable structure in 1 row"):
        leak_set(str(tmp_path / "a.csv"))


def test_what_is_not_there(tmp_path):
    with pytest.raises(MolsieveError, match="does not exist"):
        leak_set(str(tmp_path / "a.csv"))


def test_all_kinds_hold_the_same_molecules(tmp_path, library):
    pq.write_table(curated_table(), tmp_path / "curated.parquet")
    results = result_folder(tmp_path / "demo")
    labelled = tmp_path / "labelled.csv"
    labelled.write_text("smiles,y\n" + "".join(f"{s},{n % 2}\n" for n, s in enumerate(DISTINCT)))
    sets = [
        leak_set(str(library)),
        leak_set(str(tmp_path / "curated.parquet")),
        leak_set(str(results)),
        labelled_set(read_labelled(labelled, None, "y", None, least=2)),
    ]
    found = ledger(sets)
    assert [overlap.same for overlap in found.overlaps] == [3] * 6
    assert [s.rows for s in found.sets] == [5, 3, 5, 3]
    assert list(sets[2].places) == ["record 0", "record 1", "record 4"]
    for one in sets[1:]:
        np.testing.assert_array_equal(one.bits.bits, sets[0].bits.bits)
        np.testing.assert_array_equal(one.bits.offsets, sets[0].bits.offsets)


def test_the_parts_of_a_frozen_split():
    train, test = split_sets(curated_table(), np.array([0, 1, 0], dtype=np.int8), 1, "scaffold")
    assert (train.name, train.molecules) == ("scaffold without fold 1", 2)
    assert (test.name, test.smiles) == ("scaffold fold 1", [DISTINCT[1]])
    assert overlap(test, train).same == 0


def test_a_model_under_another_standardisation_is_refused(tmp_path, monkeypatch):
    """Its hashes would be those of other parents, and no leak would be found."""

    class Info:
        standardise_digest = "0" * 16

    monkeypatch.setattr("molsieve.training.leak_sources.read_info", lambda folder: Info())
    with pytest.raises(MolsieveError, match="standardised in another way"):
        model_set(tmp_path)


@pytest.fixture
def model(tmp_path, monkeypatch):
    """Folder of a model as far as its training record goes."""
    table = curated_table()
    ids = [np.array(own, dtype=np.uint32) for own in table["morgan_ids"].to_pylist()]
    record = TrainingRecord.of(table["connectivity"].to_pylist(), ids, np.ones((3, 1), dtype=np.float32))
    folder = tmp_path / "model"
    folder.mkdir()
    for name in (INFO, store.TRUST, store.CARD, store.CARD_JSON):
        (folder / name).write_text("{}")
    (folder / store.WEIGHTS).write_bytes(save(record.tensors()))
    store.write_checksums(folder)

    class Info:
        standardise_digest = digest(StandardiseOptions())
        training: ClassVar[dict[str, str]] = {}
        training_is_known = True

    monkeypatch.setattr("molsieve.training.leak_sources.read_info", lambda folder: Info())
    return folder


def test_a_model_remembers_its_training_molecules(model, library):
    found = leak_set(str(model))
    assert (found.name, found.molecules, found.rows) == ("model", 3, 3)
    assert overlap(leak_set(str(library)), found).same == 3
    near = overlap(library_set(str(library)).part("phenol", np.array([False, True, False])), found, 0.5)
    assert (near.same, near.b_near) == (1, 0)


def test_a_damaged_model_is_refused(model):
    (model / store.WEIGHTS).write_bytes(b"")
    with pytest.raises(MolsieveError, match="changed or damaged"):
        leak_set(str(model))


def test_the_shipped_model():
    folder = project_root() / "resources" / "models" / "triage"
    try:
        found = leak_set(str(folder))
    except MolsieveError as error:
        pytest.skip(f"the shipped model cannot be read at present: {error.what}")
    assert (folder / INFO).is_file()
    assert found.molecules > 10_000
    assert found.bits is not None
    assert found.bits.molecules == found.molecules


@pytest.fixture(scope="module")
def herg(mirror):
    """Train and test part of the split that Cai et al. ship."""
    folder = mirror / "toxicity" / "herg_cai2019"
    parts = ("train", "test")
    return [read_labelled(folder / f"{part}.tsv", "smiles", "active_g10", None) for part in parts]


@pytest.mark.mirror
def test_the_split_of_cai_2019_leaks(herg, mirror):
    train, test = map(labelled_set, herg)
    canonical = []
    for part in ("train", "test"):
        table = pd.read_csv(mirror / "toxicity" / "herg_cai2019" / f"{part}.tsv", sep="\t")
        mols = map(Chem.MolFromSmiles, table.dropna(subset=["active_g10"])["smiles"])
        canonical.append({Chem.MolToSmiles(mol) for mol in mols if mol is not None})
    assert (len(canonical[0] & canonical[1]), len(canonical[1])) == (144, 780)
    found = overlap(test, train)
    # Salts, charges and stereochemistry hide as many again.
    assert (found.same, test.molecules) == (276, 739)
    assert found.a_near > 30
    with pytest.raises(MolsieveError, match=f"{found.same:,} of {test.molecules:,} test molecules"):
        refuse_overlap(test, train)
    rest = test.part("rest", without_overlap(test, train, similar=0.9).keep)
    again = overlap(rest, train)
    assert (again.same, again.a_near) == (0, 0)
    assert rest.molecules == test.molecules - found.same - found.a_near


@pytest.mark.mirror
def test_most_of_stokes_2020_is_in_wong_2023(mirror):
    stokes = leak_set(str(mirror / "activity" / "ecoli_stokes2020.csv"))
    wong = leak_set(str(mirror / "activity" / "saureus_wong2023.csv"), workers=2)
    found = overlap(stokes, wong)
    # 2,331 by canonical SMILES; fewer molecules, because salts and stereoisomers are one.
    assert (found.same, stokes.molecules, wong.molecules) == (2277, 2278, 13_759)
