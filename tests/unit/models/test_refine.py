import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from molsieve.errors import MolsieveError
from molsieve.models.features import features_of
from molsieve.models.predict import predict
from molsieve.models.refine import chunk_slice, refine
from molsieve.models.store import load_model
from molsieve.models.triage import triage

from .conftest import KNOWN, NEW, prepared_table, write_duplicates
from .further_model import renamed

SMILES = [*KNOWN, *NEW]


@pytest.fixture
def shortlist(tmp_path):
    table = pa.table({"record_id": pa.array(range(10, 10 + len(SMILES)), pa.int64()), "parent_smiles": SMILES})
    pq.write_table(table, tmp_path / "shortlist.parquet")
    return tmp_path / "shortlist.parquet"


@pytest.fixture
def renamed_model(tiny_model, tmp_path):
    """A further model, whose endpoints begin with ``my_``."""
    return renamed(tiny_model, tmp_path / "my_model")


def run(shortlist, model, out, **options):
    chosen = {"chunk": 0, "chunks": 1, "device": "cpu", "threads": 1, "conformal_error": 0.2} | options
    return refine(shortlist, [model], out, **chosen), pq.read_table(out)


def test_the_columns_are_those_of_the_contract(shortlist, tmp_path, tiny_model):
    report, table = run(shortlist, tiny_model, tmp_path / "out.parquet")
    assert table.schema.names == [
        *("record_id", "kills_prob", "kills_sd", "kills_set", "harms_prob", "harms_sd", "harms_set"),
        *("dose_g_per_kg", "dose_g_per_kg_lo90", "dose_g_per_kg_hi90", "dose_sd"),
        *("gut_spectrum", "gut_spectrum_lo90", "gut_spectrum_hi90"),
        *("unseen_fraction", "nn_similarity", "nn_active", "in_domain", "in_training"),
    ]
    assert table["record_id"].to_pylist() == list(range(10, 18))
    assert (report.rows, report.not_described, report.device) == (8, 0, "cpu (1 threads)")
    assert report.molecules_per_second > 0
    assert all(table[name].null_count == 0 for name in table.schema.names if "gut" not in name)


@pytest.mark.parametrize("which", ["tiny_model", "reading_model"])
def test_predictions_and_sets_are_those_of_the_model(request, shortlist, tmp_path, which):
    folder = request.getfixturevalue(which)
    _, table = run(shortlist, folder, tmp_path / "out.parquet", conformal_error=0.3)
    model, features = load_model(folder), features_of(prepared_table(SMILES))
    expected = predict(model, features, conformal_error=0.3, neighbours=model.neighbours(features))
    names = np.array(["none", "inactive", "active", "both"])
    assert np.allclose(table["harms_prob"].to_numpy(), expected.value[:, 1], atol=1e-6)
    assert np.allclose(table["dose_g_per_kg_hi90"].to_numpy(), expected.high[:, 2], atol=1e-5)
    assert table["kills_set"].to_pylist() == names[expected.sets[:, 0]].tolist()


def test_the_nearest_training_molecule_and_its_label(shortlist, tmp_path, tiny_model):
    report, table = run(shortlist, tiny_model, tmp_path / "out.parquet")
    rows = table.to_pylist()
    assert [row["nn_similarity"] for row in rows[:5]] == [1.0] * 5
    assert [row["nn_active"] for row in rows[:5]] == [
        f"kills: {x}" for x in ("active", "inactive", "active", *["inactive"] * 2)
    ]
    assert [row["in_training"] for row in rows] == [True] * 5 + [False] * 3
    assert all(0 <= row["nn_similarity"] < 1 for row in rows[5:])
    assert report.near >= 5
    assert [row["unseen_fraction"] for row in rows[:5]] == [0.0] * 5
    assert report.in_domain == sum(row["in_domain"] for row in rows)


@pytest.mark.parametrize("chunks", [2, 3, 11])
def test_chunks_hold_every_compound_once(shortlist, tmp_path, tiny_model, chunks):
    _, whole = run(shortlist, tiny_model, tmp_path / "whole.parquet")
    parts = [run(shortlist, tiny_model, tmp_path / f"{c}.parquet", chunk=c, chunks=chunks)[1] for c in range(chunks)]
    joined = pa.concat_tables(parts)
    assert joined["record_id"].equals(whole["record_id"])
    assert np.allclose(joined["kills_prob"].to_numpy(), whole["kills_prob"].to_numpy(), atol=1e-6)
    assert joined["kills_set"].to_pylist() == whole["kills_set"].to_pylist()


@pytest.mark.parametrize(("rows", "chunks"), [(0, 3), (1, 3), (10, 3), (6000, 3), (7, 7)])
def test_chunks_are_consecutive_and_of_one_size(rows, chunks):
    parts = [chunk_slice(rows, chunk, chunks) for chunk in range(chunks)]
    assert [row for first, length in parts for row in range(first, first + length)] == list(range(rows))
    assert max(length for _, length in parts) - min(length for _, length in parts) <= 1


def test_what_cannot_be_described_is_left_out_and_counted(tmp_path, tiny_model):
    table = pa.table({"record_id": [1, 2, 3], "parent_smiles": ["CCO", "not a molecule", "CCN(CC)CC"]})
    pq.write_table(table, tmp_path / "shortlist.parquet")
    report, found = run(tmp_path / "shortlist.parquet", tiny_model, tmp_path / "out.parquet")
    assert found["record_id"].to_pylist() == [1, 3]
    assert (report.rows, report.not_described) == (2, 1)


def test_further_models_stand_beside_the_first(shortlist, tmp_path, tiny_model, renamed_model):
    _, alone = run(shortlist, tiny_model, tmp_path / "alone.parquet")
    options = {"chunk": 0, "chunks": 1, "device": "cpu", "threads": 1, "conformal_error": 0.2}
    refine(shortlist, [tiny_model, renamed_model], tmp_path / "both.parquet", **options)
    both = pq.read_table(tmp_path / "both.parquet")
    assert both.select(alone.column_names).equals(alone)
    assert both["my_kills_set"].to_pylist() == alone["kills_set"].to_pylist()
    assert both["my_dose_g_per_kg"].equals(alone["dose_g_per_kg"])


def test_triage_writes_further_models_side_by_side(tmp_path, tiny_model, renamed_model):
    pq.write_table(prepared_table(SMILES), tmp_path / "00000.parquet")
    duplicates = write_duplicates(tmp_path / "duplicates.parquet", [])
    models = [tiny_model, renamed_model]
    triage(
        tmp_path / "00000.parquet", duplicates, models, tmp_path / "o.parquet", device="cpu", batch_size=4, threads=1
    )
    table = pq.read_table(tmp_path / "o.parquet")
    assert table["my_harms_prob"].equals(table["harms_prob"])
    assert table.schema.names[-2:] == ["unseen_fraction", "in_domain"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_asked_for_and_absent_is_an_error(shortlist, tmp_path, tiny_model):
    with pytest.raises(MolsieveError, match="torch finds none"):
        run(shortlist, tiny_model, tmp_path / "out.parquet", device="cuda")
