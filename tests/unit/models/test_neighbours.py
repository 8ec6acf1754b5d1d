import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem, DataStructs

from molsieve.chemistry.fingerprints import morgan_bits, sparse_morgan
from molsieve.models.neighbours import FoldedBits, nearest_similarity, neighbours

from .conftest import KNOWN, NEW


def folded(smiles):
    return FoldedBits.of([sparse_morgan(Chem.MolFromSmiles(s))[0] for s in smiles])


def test_folding_gives_the_bits_of_rdkit():
    for smiles in KNOWN + NEW:
        assert folded([smiles]).bits.tolist() == list(morgan_bits(Chem.MolFromSmiles(smiles)).GetOnBits())


def test_similarities_are_those_of_rdkit():
    training = [morgan_bits(Chem.MolFromSmiles(s)) for s in KNOWN]
    expected = [
        max(DataStructs.BulkTanimotoSimilarity(morgan_bits(Chem.MolFromSmiles(s)), training)) for s in NEW + KNOWN
    ]
    assert nearest_similarity(folded(NEW + KNOWN), folded(KNOWN)) == pytest.approx(expected, abs=1e-6)


def test_blocks_do_not_matter(monkeypatch):
    from molsieve.models import neighbours as module

    expected = nearest_similarity(folded(NEW + KNOWN), folded(KNOWN))
    monkeypatch.setattr(module, "_QUERY_ROWS", 2)
    monkeypatch.setattr(module, "_TRAINING_ROWS", 3)
    assert np.array_equal(nearest_similarity(folded(NEW + KNOWN), folded(KNOWN)), expected)


def test_nothing_to_compare_with():
    assert nearest_similarity(folded(NEW), folded([])).tolist() == [0.0, 0.0, 0.0]
    assert nearest_similarity(folded([]), folded(KNOWN)).tolist() == []


def test_the_stage(tmp_path, tiny_model):
    pq.write_table(pa.table({"record_id": [7, 8], "parent_smiles": [KNOWN[2], NEW[0]]}), tmp_path / "shortlist.parquet")
    report = neighbours(tmp_path / "shortlist.parquet", tiny_model, tmp_path / "out.parquet", threads=1)
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["record_id"].to_pylist() == [7, 8]
    assert table["nn_similarity"].to_pylist()[0] == 1.0
    assert 0 < table["nn_similarity"].to_pylist()[1] < 0.5
    assert (report.rows, report.near) == (2, 1)
