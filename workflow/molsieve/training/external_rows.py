"""One row for every row of a labelled file: what it is, what became of it, and what a model predicts for it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from molsieve.chemistry.standardise import DEFAULTS, StandardiseOptions
from molsieve.columns import LOW_CARDINALITY, Column, arrow_schema
from molsieve.models.conformal import SETS
from molsieve.models.domain import is_inside
from molsieve.models.endpoints import Endpoint
from molsieve.models.model import Model
from molsieve.models.record import connectivity_hash
from molsieve.results.schema import endpoint_columns
from molsieve.training.endpoint_predictions import (
    EndpointPredictions,
    conformal_sets,
    endpoint_training_set,
    predict_endpoint,
)
from molsieve.training.external import Chosen
from molsieve.training.identify import Given, identify
from molsieve.training.labelled import LabelledData
from molsieve.training.row_account import CONFLICT, NO_LABEL, USED
from molsieve.training.similar_pairs import folded

_F32 = pa.float32()


def row_columns(endpoint: Endpoint) -> tuple[Column, ...]:
    """Columns of the table."""
    return (
        Column("row", pa.int64(), "Data row of the table or record of the SD file, from 1", nullable=False),
        Column("structure", pa.string(), "The structure as given; for an SD record its canonical SMILES as read"),
        Column(
            "status",
            LOW_CARDINALITY,
            "used, replicate, conflict, no_label or rejected, as the file was read; all but rejected are predicted",
            nullable=False,
        ),
        Column("reason", pa.string(), "Why the row was not used as it stands; null when it was"),
        Column("parent_smiles", pa.string(), "SMILES of the standardised molecule; null when rejected"),
        Column("label", pa.float64(), "The label of the row as understood; null when nothing was measured"),
        Column(
            "scored_label",
            pa.float64(),
            "The label the molecule was scored with (of its replicates together), in its first row; null where the row "
            "adds nothing to the figures",
        ),
        *endpoint_columns(endpoint, conformal=True),
        Column("nn_similarity", _F32, "Tanimoto similarity to the nearest molecule this endpoint was trained on"),
        Column("unseen_fraction", _F32, "Share of the Morgan fingerprint ids that no training molecule has"),
        Column("in_domain", pa.bool_(), "Whether the molecule lies within the model's applicability domain"),
        Column("in_training_of_endpoint", pa.bool_(), "Whether this endpoint was trained on the molecule"),
    )


def predictions_by_row(
    model: Model,
    endpoint: str,
    data: LabelledData,
    chosen: Chosen,
    predicted: EndpointPredictions,
    *,
    options: StandardiseOptions = DEFAULTS,
    workers: int = 1,
) -> pa.Table:
    """Table of all rows in input order; molecules without a usable label are predicted here.

    Args:
        model: The model.
        endpoint: Its endpoint.
        data: The labelled file.
        chosen: Molecules the figures are of.
        predicted: Predictions of its molecules.
        options: Standardisation.
        workers: Worker processes.

    """
    facts = model.info.endpoints[model.info.endpoint_index(endpoint)]
    status = np.array(data.rows["status"].to_pylist())
    place = np.array([-1 if m is None else m for m in data.rows["molecule"].to_pylist()], dtype=np.int64)
    structures = data.rows["structure"].to_pylist()
    # A conflict or a missing label leaves a row without a molecule of the data, but not without a structure.
    others = np.flatnonzero(np.isin(status, [CONFLICT, NO_LABEL]))
    identities = list(identify((Given(structures[i] or "", "smiles") for i in others), options, workers=workers))
    readable = [i for i, identity in enumerate(identities) if not identity.reason_code]
    parents: list[str] = [*data.parent_smiles, *(identities[i].parent_smiles for i in readable)]
    in_training = chosen.in_training
    if readable:
        extra = predict_endpoint(
            model,
            endpoint,
            [identities[i].parent_smiles for i in readable],
            folded([identities[i].bits for i in readable]),
            workers=workers,
        )
        predicted = predicted.followed_by(extra)
        hashes = np.array([connectivity_hash(identities[i].connectivity) for i in readable], dtype=np.uint64)
        trained = np.isin(hashes, endpoint_training_set(model, endpoint).hashes)
        in_training = np.concatenate([in_training, trained])
        place[others[readable]] = data.molecules + np.arange(len(readable))
    scored = chosen.keep & predicted.described[: data.molecules]
    is_first = (status == USED) & (place >= 0)
    scored_label = [
        float(data.label[m]) if first and scored[m] else None for first, m in zip(is_first, place, strict=True)
    ]
    columns: dict[str, Any] = {
        "row": data.rows["row"],
        "structure": structures,
        "status": status.tolist(),
        "reason": data.rows["reason"],
        "parent_smiles": [None if m < 0 else parents[m] for m in place],
        "label": data.rows["label"],
        "scored_label": scored_label,
        **_endpoint_values(model, facts, predicted, place),
        "nn_similarity": _spread(predicted.nn_similarity, place),
        "unseen_fraction": _spread(predicted.unseen_fraction, place),
        "in_domain": _spread(is_inside(predicted.unseen_fraction, model.info.domain.max_unseen_fraction), place),
        "in_training_of_endpoint": _spread(in_training, place),
    }
    if not model.info.training_is_known:
        columns |= dict.fromkeys(("in_domain", "in_training_of_endpoint"), [None] * len(place))
    schema = arrow_schema(row_columns(facts))
    return pa.table({name: _column(columns[name], schema.field(name).type) for name in schema.names}, schema=schema)


def _endpoint_values(
    model: Model, endpoint: Endpoint, predicted: EndpointPredictions, place: NDArray[np.int64]
) -> dict[str, Any]:
    names = [column.name for column in endpoint_columns(endpoint, conformal=True)]
    if endpoint.is_regression:
        arrays = (predicted.value, predicted.low, predicted.high, predicted.sd)
        return {name: _spread(array, place) for name, array in zip(names, arrays, strict=True)}
    codes = conformal_sets(model, endpoint.name, np.nan_to_num(predicted.output))
    sets = [SETS[code] if known else None for code, known in zip(codes, predicted.described, strict=True)]
    return {
        names[0]: _spread(predicted.value, place),
        names[1]: _spread(predicted.sd, place),
        names[2]: [None if m < 0 else sets[m] for m in place],
    }


def _spread(values: NDArray[Any], place: NDArray[np.int64]) -> list[Any]:
    """Value of each row's molecule; None for rows without one and for NaN."""
    plain: Sequence[Any] = values.tolist()
    found = [None if m < 0 else plain[m] for m in place]
    return [None if isinstance(v, float) and np.isnan(v) else v for v in found]


def _column(values: Any, kind: pa.DataType) -> Any:  # noqa: ANN401 - lists and Arrow arrays
    return values.cast(kind) if isinstance(values, pa.ChunkedArray) else pa.array(values, kind)
