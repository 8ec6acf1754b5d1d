"""Predictions of a model as the columns of the tables."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from molsieve.columns import LOW_CARDINALITY
from molsieve.models.conformal import SETS
from molsieve.models.endpoints import Endpoint
from molsieve.models.predict import NO_SET, Predictions


def endpoint_arrays(
    predictions: Predictions, endpoints: Iterable[Endpoint], *, conformal: bool = False
) -> list[pa.Array | NDArray[np.generic]]:
    """Columns of one model's endpoints, in the order of ``results.schema.endpoint_columns``.

    Args:
        predictions: Predictions of the model.
        endpoints: Its endpoints.
        conformal: Whether the conformal sets of the classification endpoints are among the columns.

    """
    arrays: list[pa.Array | NDArray[np.generic]] = []
    for i, endpoint in enumerate(endpoints):
        arrays.append(predictions.value[:, i])
        if endpoint.is_regression:
            arrays += [predictions.low[:, i], predictions.high[:, i]]
        arrays.append(predictions.sd[:, i])
        if conformal and not endpoint.is_regression:
            arrays.append(_sets(predictions.sets[:, i]))
    return arrays


def _sets(codes: NDArray[np.int8]) -> pa.Array:
    """Names of the sets; null where there is none."""
    indices = pa.array(codes.astype(np.int32), mask=codes == NO_SET)
    return pa.DictionaryArray.from_arrays(indices, pa.array(SETS)).cast(LOW_CARDINALITY)
