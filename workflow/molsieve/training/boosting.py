"""Training the gradient-boosted trees of the reference models."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molsieve.models.boosters import Boosters, folded_columns
from molsieve.models.features import SparseFeatures

TREES = 200
# Not tuned: common values for sparse fingerprints, many columns dropped so that trees differ.
PARAMETERS: dict[str, Any] = {
    "learning_rate": 0.06,
    "num_leaves": 31,
    "min_data_in_leaf": 10,
    "feature_fraction": 0.2,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "min_data_in_bin": 1,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
}


def fit_boosters(
    features: SparseFeatures,
    targets: NDArray[np.float32],
    is_regression: NDArray[np.bool_],
    names: Sequence[str],
    seed: int,
    *,
    threads: int,
    progress: Callable[[int, int], None] | None = None,
) -> Boosters:
    """Train one booster an endpoint.

    Args:
        features: Of the training molecules.
        targets: 0, 1 or standardised values, NaN where not measured, [molecules, endpoints].
        is_regression: Of each endpoint.
        names: Of the endpoints.
        seed: Of the columns and rows each tree sees.
        threads: CPU threads.
        progress: Called with the endpoints done and the endpoints in all.

    """
    import lightgbm

    columns = folded_columns(features)
    boosters = {}
    for i, name in enumerate(names):
        measured = ~np.isnan(targets[:, i])
        if measured.sum() and targets[measured, i].min() < targets[measured, i].max():
            objective = "regression" if is_regression[i] else "binary"
            parameters = PARAMETERS | {"objective": objective, "seed": seed, "num_threads": threads}
            data = lightgbm.Dataset(columns[np.flatnonzero(measured)], targets[measured, i])
            boosters[name] = lightgbm.train(parameters, data, TREES)
        if progress is not None:
            progress(i + 1, len(names))
    return Boosters(boosters)
