"""The out-of-fold predictions that ship with the models: the benchmark tables can be made again without training.

One row a label, in a Parquet file of a megabyte or two: no structures and no names, only the endpoint, how the
molecules were split, the fold, the measured value, and what model and forest predicted without having seen it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molsieve.columns import LOW_CARDINALITY, Column, arrow_schema
from molsieve.errors import MolsieveError
from molsieve.files import write_table
from molsieve.models.endpoints import Endpoint
from molsieve.models.info import ModelInfo
from molsieve.training.cases import fold_protocols
from molsieve.training.data import TrainingData
from molsieve.training.evaluation import OutOfFold, over_folds

STORED = (
    Column("endpoint", LOW_CARDINALITY, "Endpoint of the label", nullable=False),
    Column("scheme", LOW_CARDINALITY, "How the molecules were split (scaffold, random, cluster)", nullable=False),
    Column("fold", pa.int8(), "Fold the molecule was held out in", nullable=False),
    Column("label", pa.float32(), "Measured: 0, 1, or a value in the endpoint's unit", nullable=False),
    Column("model", pa.float32(), "Predicted by the model: log odds, or a value in the endpoint's unit"),
    Column("forest", pa.float32(), "Predicted by the forest on the same folds: probability, or a value"),
)
_SCHEMA = arrow_schema(STORED)


def stored_rows(data: TrainingData, oof: OutOfFold, model: NDArray[np.float32], scheme: str) -> pa.Table:
    """Predictions of one scheme as rows.

    Args:
        data: The molecules of ``oof``.
        oof: Out-of-fold predictions.
        model: Mean output of the whole model, [n, endpoints].
        scheme: How they were split.

    """
    forest = oof.baselines["forest"]
    place, row = np.nonzero(~np.isnan(data.targets[:, : forest.shape[1]]).T)
    names = pa.DictionaryArray.from_arrays(pa.array(place, pa.int32()), [e.name for e in data.endpoints])
    return pa.table(
        {
            "endpoint": names.cast(LOW_CARDINALITY),
            "scheme": pa.array([scheme] * len(row)).cast(LOW_CARDINALITY),
            "fold": oof.folds[row],
            "label": data.targets[row, place].astype(np.float32),
            "model": model[row, place].astype(np.float32),
            "forest": pa.array(forest[row, place], from_pandas=True),
        },
        schema=_SCHEMA,
    )


def write_stored(tables: Sequence[pa.Table], out: Path) -> None:
    """Write the rows of all schemes."""
    write_table(out, pa.concat_tables(tables), _SCHEMA)


def read_stored(path: Path) -> pa.Table:
    """Rows written by ``write_stored``.

    Raises:
        MolsieveError: There is no such file, or it is of another version.

    """
    try:
        return pq.read_table(path, columns=_SCHEMA.names)
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise MolsieveError(f"The stored predictions cannot be read: {error}", where=str(path)) from error


def stored_metrics(stored: pa.Table, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Metrics of model and forest by endpoint and scheme, in the form of ``ModelInfo.metrics``."""
    metrics: dict[str, Any] = {endpoint.name: {} for endpoint in endpoints}
    for endpoint in endpoints:
        own = stored.filter(pc.equal(stored["endpoint"].cast(pa.string()), endpoint.name))
        schemes = own["scheme"].cast(pa.string())
        for scheme in pc.unique(schemes).to_pylist():
            rows = own.filter(pc.equal(schemes, scheme))
            metrics[endpoint.name][scheme] = _metrics(rows, endpoint)
    return metrics


def _metrics(rows: pa.Table, endpoint: Endpoint) -> dict[str, Any]:
    truth, folds = rows["label"].to_numpy().astype(float), rows["fold"].to_numpy()
    found: dict[str, Any] = {"n": len(truth)}
    if not endpoint.is_regression:
        found |= {"positives": int(truth.sum()), "prevalence": round(float(truth.mean()), 4)}
    for name in ("model", "forest"):
        predicted = rows[name].to_numpy().astype(float)
        if not np.isnan(predicted).all():
            found[name] = over_folds(truth, predicted, folds, regression=endpoint.is_regression)
    return found


def with_stored(info: ModelInfo, stored: pa.Table) -> ModelInfo:
    """Model whose figures are computed from stored predictions, not read from its metadata.

    What comes from other trainings than those of the folds (classes left out, published splits) stays as it is.
    """
    metrics = stored_metrics(stored, info.endpoints)
    kept = info.training.get("extrapolation", {})
    if kept:
        others = [row for row in kept["protocols"] if row["endpoint"] not in metrics]
        kept = kept | {"protocols": [*fold_protocols(metrics), *others]}
    return info.model_copy(update={"metrics": metrics, "training": info.training | {"extrapolation": kept}})
