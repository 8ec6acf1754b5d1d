import json
from dataclasses import asdict

import numpy as np
import pytest
from rdkit import Chem

from molsieve.chemistry.fingerprints import sparse_morgan
from molsieve.errors import MolsieveError
from molsieve.models.fingerprint_set import FoldedBits
from molsieve.models.record import TrainingRecord, connectivity_hash
from molsieve.training.leak_report import as_markdown, as_text
from molsieve.training.leak_sources import record_set
from molsieve.training.leaks import LeakSet, ledger, overlap, refuse_overlap, without_overlap

DECANE, UNDECANE = "CCCCCCCCCC", "CCCCCCCCCCC"  # the same fingerprint, two molecules
ASPIRIN, PHENOL, TOLUENE = "CC(=O)Oc1ccccc1C(=O)O", "Oc1ccccc1", "Cc1ccccc1"


def keys_and_ids(smiles):
    mols = [Chem.MolFromSmiles(s) for s in smiles]
    return [Chem.MolToInchiKey(mol)[:14] for mol in mols], [sparse_morgan(mol)[0] for mol in mols]


def of(name, *smiles, bits=True):
    keys, ids = keys_and_ids(smiles)
    hashes = np.array([connectivity_hash(key) for key in keys], dtype=np.uint64)
    places = [f"row {n}" for n in range(1, len(smiles) + 1)]
    return LeakSet(name, hashes, FoldedBits.of(ids) if bits else None, places, list(smiles), len(smiles))


TEST = of("test.csv", ASPIRIN, DECANE, PHENOL)
TRAIN = of("train.csv", TOLUENE, UNDECANE, ASPIRIN)


def test_same_and_near_molecules():
    found = overlap(TEST, TRAIN)
    assert (found.same, found.a_near, found.b_near) == (1, 1, 1)
    same, near = found.matches
    assert (same.kind, same.a, same.b, same.a_place, same.b_place) == ("same", 0, 2, "row 1", "row 3")
    assert (near.kind, near.a, near.b, near.similarity) == ("near", 1, 1, 1.0)
    assert (near.a_smiles, near.b_smiles) == (DECANE, UNDECANE)


def test_the_same_molecule_is_not_near_itself():
    found = overlap(TEST, TEST)
    assert (found.same, found.a_near, found.b_near) == (3, 0, 0)


def test_without_fingerprints_near_is_not_known():
    found = overlap(TEST, of("hashes", ASPIRIN, bits=False))
    assert (found.same, found.a_near, found.b_near) == (1, None, None)
    assert "not known" in as_text(ledger([TEST, of("hashes", ASPIRIN, bits=False)]))


def test_a_lower_limit_finds_more():
    assert overlap(of("a", PHENOL), of("b", TOLUENE), 0.3).a_near == 1
    assert overlap(of("a", PHENOL), of("b", TOLUENE)).a_near == 0


def test_all_pairs_in_all_forms():
    sets = [TEST, TRAIN, of("other | <set>", "CCN(CC)CC")]
    found = ledger(sets)
    assert [(o.a, o.b, o.any) for o in found.overlaps] == [
        ("test.csv", "train.csv", True),
        ("test.csv", "other | <set>", False),
        ("train.csv", "other | <set>", False),
    ]
    assert found.any
    assert not ledger(sets[1:]).any
    document = json.loads(json.dumps(asdict(found)))
    assert document["overlaps"][0]["matches"][0]["a_place"] == "row 1"
    assert document["sets"][0] == {
        "name": "test.csv", "rows": 3, "molecules": 3, "has_fingerprints": True, "note": ""
    }  # fmt: skip
    text = as_text(found)
    assert "test.csv   train.csv         1  33.3%  33.3%         1         1" in text
    assert f"  row 2 | row 2  1.000  {DECANE} | {UNDECANE}" in text
    markdown = as_markdown(found)
    assert f"| row 1 | `{ASPIRIN}` | row 3 | `{ASPIRIN}` | same |" in markdown
    assert "other \\| \\<set>" in markdown
    assert "<set>" not in markdown.replace("\\<set>", "")


def test_only_the_first_matches_are_shown():
    many = of("many", *("C" * n + "O" for n in range(3, 33)))
    text = as_text(ledger([many, many]), examples=2)
    assert "30 molecules in both, the first 2" in text
    assert "row 3 |" not in text


def test_an_evaluation_on_training_molecules_is_refused():
    with pytest.raises(MolsieveError) as error:
        refuse_overlap(TEST, TRAIN)
    assert error.value.what.startswith("1 of 3 test molecules are in the training data")
    assert f"row 1 {ASPIRIN}" in error.value.what
    assert "--exclude-training" in error.value.fix
    refuse_overlap(of("clean", PHENOL), TRAIN)


def test_training_molecules_are_left_out():
    kept = without_overlap(TEST, TRAIN)
    assert kept.keep.tolist() == [False, True, True]
    assert len(kept.excluded) == 1
    assert kept.text == f"1 of 3 test molecules that are in the training data were left out: row 1 {ASPIRIN}."
    assert TEST.part("rest", kept.keep).smiles == [DECANE, PHENOL]
    assert TEST.part("rest", kept.keep).bits.molecules == 2


def test_nothing_to_leave_out():
    kept = without_overlap(of("clean", PHENOL), TRAIN)
    assert kept.keep.all()
    assert kept.text == "None of 1 test molecules is in the training data."


def test_similar_molecules_are_left_out_when_asked():
    kept = without_overlap(TEST, TRAIN, similar=0.9)
    assert kept.keep.tolist() == [False, False, True]
    assert "and 1 more similar than 0.9 to one" in kept.text
    with pytest.raises(MolsieveError, match="fingerprints"):
        without_overlap(TEST, of("hashes", ASPIRIN, bits=False), similar=0.9)


def test_nothing_left_is_refused():
    with pytest.raises(MolsieveError, match="All 3 test molecules"):
        without_overlap(TEST, TEST)


def test_a_training_record_is_known():
    keys, ids = keys_and_ids([ASPIRIN, UNDECANE])
    record = TrainingRecord.of(keys, ids, np.array([[1.0], [0.0]], dtype=np.float32))
    found = overlap(TEST, record_set(record, "model"))
    assert (found.same, found.a_near) == (1, 1)
    assert found.matches[0].b_place == ""
    with pytest.raises(MolsieveError):
        refuse_overlap(TEST, record)
    assert without_overlap(TEST, record, similar=0.9).keep.tolist() == [False, False, True]
    assert "row 1 | molecule" in as_text(ledger([TEST, record_set(record, "model")]))
