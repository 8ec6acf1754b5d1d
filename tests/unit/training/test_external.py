import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.unit.training.small_model import ENDPOINTS, KNOWN, LABELLED, NEW, active, write_csv, write_model

from molsieve.errors import MolsieveError
from molsieve.files import write_table
from molsieve.models.predict import predict
from molsieve.models.rich_features import rich_features
from molsieve.models.store import load_model
from molsieve.training.endpoint_predictions import conformal_sets, endpoint_training_set, predict_endpoint
from molsieve.training.external import as_json, choose, evaluate
from molsieve.training.external_rows import predictions_by_row, row_columns
from molsieve.training.labelled import read_labelled


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(write_model(tmp_path_factory.mktemp("models") / "small"))


@pytest.fixture
def read(tmp_path):
    def _read(smiles, task="classification", label=active, extra=()):
        rows = [*((s, label(s)) for s in smiles), *extra]
        return read_labelled(write_csv(tmp_path / "assay.csv", rows), "smiles", "y", task)

    return _read


def all_of_it(model, endpoint, data, **options):
    chosen = choose(data, model, endpoint, **options)
    predicted = predict_endpoint(model, endpoint, data.parent_smiles, data.bits)
    return chosen, predicted, evaluate(model, endpoint, data, chosen, predicted, resamples=100)


def test_the_training_set_of_one_endpoint(model):
    assert endpoint_training_set(model, "kills").molecules == LABELLED
    assert endpoint_training_set(model, "harms").molecules == len(KNOWN)


@pytest.mark.parametrize("read_across", [False, True])
def test_predictions_are_those_of_a_run(read, tmp_path, read_across):
    model = load_model(write_model(tmp_path / "rich", "rich", read_across=read_across))
    data = read(NEW)
    described = rich_features(list(data.parent_smiles), workers=1)
    whole = predict(model, described.rich, conformal_error=0.2, neighbours=model.neighbours(described.morgan))
    for i, endpoint in enumerate(ENDPOINTS):
        found = predict_endpoint(model, endpoint.name, data.parent_smiles, data.bits)
        assert np.allclose(found.value, whole.value[:, i], atol=1e-6)
        assert np.allclose(found.sd, whole.sd[:, i], atol=1e-6)
        assert np.allclose(found.low, whole.low[:, i], atol=1e-5, equal_nan=True)
        if not endpoint.is_regression:
            assert np.array_equal(conformal_sets(model, endpoint.name, found.output), whole.sets[:, i])


def test_what_rdkit_cannot_describe_is_counted(model, read):
    data = read(NEW)
    parents = data.parent_smiles.copy()
    parents[3] = "c1ccc"
    predicted = predict_endpoint(model, "kills", parents, data.bits)
    assert np.flatnonzero(~predicted.described).tolist() == [3]
    assert np.isnan(predicted.value[3])
    found = evaluate(model, "kills", data, choose(data, model, "kills"), predicted, resamples=100)
    assert (found.molecules, found.not_described) == (data.molecules - 1, 1)


def test_training_molecules_are_refused_with_their_rows(model, read):
    # A salt of a training molecule is the same molecule.
    with pytest.raises(MolsieveError, match="2 of 50 test molecules") as error:
        choose(read([*NEW, KNOWN[0], f"Cl.{KNOWN[1]}"]), model, "kills")
    assert "row 49" in str(error.value)
    assert "row 50" in str(error.value)
    assert "--exclude-training" in error.value.fix


def test_training_molecules_are_left_out_when_asked(model, read):
    data = read([*NEW, KNOWN[0], KNOWN[1], KNOWN[-1]])
    chosen, _, found = all_of_it(model, "kills", data, exclude_training=True)
    assert (found.excluded_in_training, found.molecules) == (2, len(NEW) + 1)
    # The last one is known from ``harms`` only: no leak for ``kills``.
    assert found.seen_for_other_endpoints_only == 1
    texts = {d.code: d.text for d in chosen.decisions}
    assert "row 49" in texts["excluded_training"]
    assert "1 molecule known to the model from other endpoints" in texts["other_endpoints_only"]
    with pytest.raises(MolsieveError, match="in the training data"):
        choose(data, model, "harms")


def test_near_duplicates_are_counted_and_kept(model, read):
    longer = f"c1ccccc1{'C' * 12}O"
    chosen = choose(read([*NEW, longer, f"c1ccccc1{'C' * 13}O"]), model, "kills")
    assert chosen.near == 2
    assert chosen.keep.all()


def test_nothing_left(model, read):
    with pytest.raises(MolsieveError, match="nothing left"):
        choose(read(KNOWN[:LABELLED]), model, "kills", exclude_training=True)
    with pytest.raises(MolsieveError, match=r"5 molecules of 41 are left"):
        choose(read([*KNOWN[:LABELLED], *NEW[:5]]), model, "kills", exclude_training=True)


def test_one_class_left(model, read):
    data = read([*KNOWN[:LABELLED], *(s for s in NEW if not active(s))])
    with pytest.raises(MolsieveError, match="are inactive"):
        choose(data, model, "kills", exclude_training=True)


def test_classification_figures(model, read):
    _, predicted, found = all_of_it(model, "kills", read(NEW))
    assert (found.molecules, found.positives, found.rows) == (48, 24, 48)
    assert found.figures["prevalence"].value == 0.5
    assert [c.error for c in found.conformal] == [0.1, 0.2]
    assert sum(b.n for b in found.by_similarity) == sum(b.n for b in found.by_unseen_fraction) == 48
    assert found.in_domain == int((predicted.unseen_fraction <= 0.3).sum())
    document = json.loads(json.dumps(as_json(found), allow_nan=False))
    assert document["figures"]["auroc"]["low"] <= document["figures"]["auroc"]["value"]
    assert document["interval"] is None
    assert document["decisions"][0]["code"] == "read"


def test_regression_figures(model, read):
    _, _, found = all_of_it(model, "dose", read(NEW, "regression", lambda s: 2 + len(s) / 20))
    assert set(found.figures) == {"mae", "rmse", "r2", "spearman"}
    assert found.interval.mean_width == pytest.approx(0.2, abs=1e-3)
    assert found.positives is None
    assert found.conformal == ()


def test_figures_repeat_with_the_seed(model, read):
    data = read(NEW)
    assert all_of_it(model, "kills", data)[2].figures == all_of_it(model, "kills", data)[2].figures


def test_one_row_for_every_input_row(model, read, tmp_path):
    extra = [
        (NEW[0], active(NEW[0])),  # 49: replicate
        ("not a molecule", 1),  # 50: rejected
        ("CCCCCCCCN", ""),  # 51: no label
        ("CCCCCCCCCO", 1),  # 52 and 53: conflict
        ("CCCCCCCCCO", 0),
        (KNOWN[0], 1),  # 54: training molecule
    ]
    data = read(NEW, extra=extra)
    chosen, predicted, found = all_of_it(model, "kills", data, exclude_training=True)
    table = predictions_by_row(model, "kills", data, chosen, predicted)
    write_table(tmp_path / "p.parquet", table, table.schema)
    rows = pq.read_table(tmp_path / "p.parquet").to_pylist()
    assert list(rows[0]) == [c.name for c in row_columns(ENDPOINTS[0])]
    assert {"kills_prob", "kills_sd", "kills_set"} < set(rows[0])
    assert [r["row"] for r in rows] == list(range(1, 55))
    assert [r["status"] for r in rows[48:]] == ["replicate", "rejected", "no_label", "conflict", "conflict", "used"]
    assert rows[48]["kills_prob"] == rows[0]["kills_prob"]
    assert rows[48]["scored_label"] is None
    rejected = {name: value for name, value in rows[49].items() if value is not None}
    assert set(rejected) == {"row", "structure", "status", "reason", "label"}
    for row in (rows[50], rows[51], rows[52], rows[53]):
        assert 0 < row["kills_prob"] < 1
        assert row["parent_smiles"]
        assert row["scored_label"] is None
    assert [r["in_training_of_endpoint"] for r in rows[48:]] == [False, None, False, False, False, True]
    scored = [r for r in rows if r["scored_label"] is not None]
    assert len(scored) == found.molecules
    assert np.mean([r["scored_label"] for r in scored]) == found.figures["prevalence"].value


def test_rows_of_a_regression(model, read):
    data = read(NEW, "regression", lambda s: 2 + len(s) / 20)
    chosen, predicted, _ = all_of_it(model, "dose", data)
    row = predictions_by_row(model, "dose", data, chosen, predicted).to_pylist()[0]
    assert row["dose_g_per_kg_lo90"] < row["dose_g_per_kg"] < row["dose_g_per_kg_hi90"]
