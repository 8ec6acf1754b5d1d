import numpy as np
import pytest
from tests.unit.training.small_model import ENDPOINTS

from molsieve import project_root
from molsieve.errors import MolsieveError
from molsieve.models.store import read_info
from molsieve.training.benchmark_tables import benchmark_tables
from molsieve.training.data import TrainingData
from molsieve.training.evaluation import OutOfFold, endpoint_metrics
from molsieve.training.stored_predictions import read_stored, stored_metrics, stored_rows, with_stored, write_stored

N = 60


@pytest.fixture
def predicted():
    """Molecules with labels of two of three endpoints each, predictions, and folds."""
    random = np.random.default_rng(3)
    targets = random.integers(0, 2, (N, 3)).astype(np.float32)
    targets[:, 2] = random.normal(size=N)
    targets[random.random((N, 3)) < 0.3] = np.nan
    data = TrainingData(ENDPOINTS, ["" for _ in range(N)], ["" for _ in range(N)], targets, morgan=None)
    model = random.normal(size=(N, 3)).astype(np.float32)
    forest = random.random((N, 3)).astype(np.float32)
    folds = (np.arange(N) % 5).astype(np.int8)
    return data, OutOfFold(folds, {"student": model[:, None]}, {"forest": forest}), model


def test_the_stored_rows_give_the_same_figures(predicted, tmp_path):
    data, oof, model = predicted
    write_stored([stored_rows(data, oof, model, "scaffold")], tmp_path / "stored.parquet")
    found = stored_metrics(read_stored(tmp_path / "stored.parquet"), data.endpoints)
    for i, endpoint in enumerate(data.endpoints):
        assert found[endpoint.name]["scaffold"] == endpoint_metrics(data, oof, model, i)


def test_an_endpoint_without_baselines_is_not_stored(predicted, tmp_path):
    data, oof, model = predicted
    fewer = OutOfFold(oof.folds, oof.parts, {"forest": oof.baselines["forest"][:, :2]})
    write_stored([stored_rows(data, fewer, model, "random")], tmp_path / "stored.parquet")
    found = stored_metrics(read_stored(tmp_path / "stored.parquet"), data.endpoints)
    assert "forest" in found["harms"]["random"]
    assert "random" not in found["dose"]


def test_what_is_no_file_of_ours_is_refused(tmp_path):
    (tmp_path / "other.parquet").write_bytes(b"PAR1")
    with pytest.raises(MolsieveError, match="cannot be read"):
        read_stored(tmp_path / "other.parquet")


def test_the_shipped_predictions_give_the_tables_of_the_documentation():
    root = project_root()
    computed = [
        with_stored(
            read_info(root / "resources" / "models" / tier),
            read_stored(root / "resources" / "out_of_fold" / f"{tier}.parquet"),
        )
        for tier in ("refine", "triage")
    ]
    text = (root / "docs" / "models.md").read_text()
    shown = text.partition("<!-- benchmark -->\n")[2].partition("<!-- /benchmark -->")[0]
    assert benchmark_tables(*computed) == shown
