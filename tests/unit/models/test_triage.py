import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from molsieve.errors import MolsieveError
from molsieve.models.device import choose_device
from molsieve.models.domain import unseen_fraction
from molsieve.models.endpoints import Endpoint
from molsieve.models.features import features_of
from molsieve.models.predict import predict
from molsieve.models.store import load_model, write_checksums
from molsieve.models.triage import duplicates_of, triage, triage_columns

from .conftest import KNOWN, NEW, prepared_table, write_duplicates

SMILES = [*KNOWN, None, *NEW, KNOWN[0]]


@pytest.fixture
def shard(tmp_path):
    pq.write_table(prepared_table(SMILES), tmp_path / "00000.parquet")
    return tmp_path / "00000.parquet"


def run(shard, tmp_path, model, name="out.parquet", **options):
    duplicates = write_duplicates(tmp_path / "duplicates.parquet", [(9, 0)])
    chosen = {"device": "cpu", "batch_size": 4, "threads": 1} | options
    return triage(shard, duplicates, [model], tmp_path / name, **chosen), pq.read_table(tmp_path / name)


def test_rejected_and_duplicate_rows_are_not_predicted(shard, tmp_path, tiny_model):
    report, table = run(shard, tmp_path, tiny_model)
    assert table["record_id"].to_pylist() == [0, 1, 2, 3, 4, 6, 7, 8]
    assert report.rows == 8
    assert report.device == "cpu (1 threads)"
    assert report.molecules_per_second > 0


def test_the_columns_are_those_of_the_contract(shard, tmp_path, tiny_model):
    _, table = run(shard, tmp_path, tiny_model)
    assert table.schema.names == [
        *("record_id", "kills_prob", "kills_sd", "harms_prob", "harms_sd"),
        *("dose_g_per_kg", "dose_g_per_kg_lo90", "dose_g_per_kg_hi90", "dose_sd"),
        *("gut_spectrum", "gut_spectrum_lo90", "gut_spectrum_hi90"),
        *("unseen_fraction", "in_domain"),
    ]
    for name in table.schema.names[1:-1]:
        assert table.schema.field(name).type == pa.float32()
        assert (table[name].null_count == 0) == ("gut" not in name)
    assert table.schema.field("kills_prob").metadata[b"description"]


def test_probabilities_intervals_and_domain(shard, tmp_path, tiny_model):
    _, table = run(shard, tmp_path, tiny_model)
    frame = table.to_pandas()
    assert frame["kills_prob"].between(0, 1).all()
    assert frame["kills_sd"].between(0, 0.6).all()
    assert np.allclose(frame["dose_g_per_kg_lo90"], frame["dose_g_per_kg"] - 1.0, atol=1e-5)
    assert np.allclose(frame["dose_g_per_kg_hi90"], frame["dose_g_per_kg"] + 2.0, atol=1e-5)
    assert (frame["unseen_fraction"][:5] == 0).all()
    assert frame["in_domain"].tolist() == (frame["unseen_fraction"] <= np.float32(0.3)).tolist()
    assert not frame["in_domain"].iloc[5]


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_batch_size_does_not_change_the_result(shard, tmp_path, tiny_model, batch_size):
    _, expected = run(shard, tmp_path, tiny_model)
    _, found = run(shard, tmp_path, tiny_model, "other.parquet", batch_size=batch_size)
    for name in expected.schema.names:
        assert np.allclose(found[name].to_numpy(), expected[name].to_numpy(), rtol=0, atol=1e-6, equal_nan=True), name


def test_the_shard_does_not_change_the_result(shard, tmp_path, tiny_model):
    _, expected = run(shard, tmp_path, tiny_model)
    parts = []
    for i, (start, rows) in enumerate([(0, 3), (3, 7)]):
        part = tmp_path / f"part{i}.parquet"
        pq.write_table(pq.read_table(shard).slice(start, rows), part)
        parts.append(run(part, tmp_path, tiny_model, f"out{i}.parquet")[1])
    found = pa.concat_tables(parts)
    for name in expected.schema.names:
        assert np.allclose(found[name].to_numpy(), expected[name].to_numpy(), rtol=0, atol=1e-6, equal_nan=True), name


def test_the_mean_and_spread_are_those_of_the_members(tiny_model):
    model = load_model(tiny_model)
    features = features_of(prepared_table(KNOWN))
    members = model.outputs(features)
    found = predict(model, features, batch_size=2)
    assert np.allclose(found.value[:, 0], torch.sigmoid(members[:, :, 0].mean(dim=1)), atol=1e-6)
    assert np.allclose(found.sd[:, 0], torch.sigmoid(members[:, :, 0]).std(dim=1), atol=1e-6)
    assert np.allclose(found.value[:, 2], members[:, :, 2].mean(dim=1) * 0.5 + 2.5, atol=1e-5)


def test_a_model_that_needs_more_than_the_prepared_table_is_refused(shard, tmp_path, tiny_model):
    folder = tmp_path / "rich"
    shutil.copytree(tiny_model, folder)
    info = json.loads((folder / "model.json").read_text()) | {"features": "rich"}
    (folder / "model.json").write_text(json.dumps(info))
    write_checksums(folder)
    with pytest.raises(MolsieveError, match="too slow for a whole library"):
        run(shard, tmp_path, folder)


@pytest.mark.parametrize("smiles", [[], [None, None]])
def test_a_shard_with_nothing_to_predict_gives_an_empty_table(tmp_path, tiny_model, smiles):
    pq.write_table(prepared_table(smiles), tmp_path / "empty.parquet")
    report, table = run(tmp_path / "empty.parquet", tmp_path, tiny_model)
    assert (report.rows, table.num_rows) == (0, 0)


def test_a_molecule_without_bits_is_predicted_from_its_descriptors(tiny_model):
    features = features_of(prepared_table(["CCO"]))
    features = features._replace(ids=features.ids[:0], counts=features.counts[:0], offsets=np.array([0, 0]))
    model = load_model(tiny_model)
    assert np.isfinite(predict(model, features).value).all()
    assert unseen_fraction(features, model.record.morgan_ids).tolist() == [1.0]


def test_an_unknown_device_is_refused():
    with pytest.raises(MolsieveError, match="no device 'tpu'"):
        choose_device("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_asked_for_and_absent_is_an_error(shard, tmp_path, tiny_model):
    with pytest.raises(MolsieveError, match="torch finds none"):
        run(shard, tmp_path, tiny_model, device="cuda")
    assert choose_device("auto") == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_both_devices_give_the_same(shard, tmp_path, tiny_model):
    _, expected = run(shard, tmp_path, tiny_model)
    report, found = run(shard, tmp_path, tiny_model, "cuda.parquet", device="cuda")
    assert report.device.startswith("cuda")
    for name in expected.schema.names:
        assert np.allclose(found[name].to_numpy(), expected[name].to_numpy(), rtol=0, atol=1e-5), name


def test_a_regression_has_four_columns():
    facts = {"family": "toxicity", "title": ".", "description": ".", "organism": ".", "positive_means": "."}
    endpoint = Endpoint(name="ld50", task="regression", unit="neg_log_mol_per_kg", **facts)
    names = [c.name for c in triage_columns([endpoint])]
    stem = "ld50_neg_log_mol_per_kg"
    assert names[:5] == ["record_id", stem, f"{stem}_lo90", f"{stem}_hi90", "ld50_sd"]


def test_a_shard_holds_no_duplicates_of_the_others(tmp_path, shard):
    last = len(SMILES) - 1
    repeated = [(record, 0) for record in (-1, 3, last, last + 1, 10**9)]
    duplicates = write_duplicates(tmp_path / "duplicates.parquet", repeated)
    assert duplicates_of(shard, duplicates).to_pylist() == [3, last]
