"""What any model has to beat, in the same folds: a forest, the nearest neighbours, and a regression on logP and weight.

The neighbours are read-across as well, the part of the reference models that is not trained.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy import sparse
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.files import replacing
from molsieve.models.features import SparseFeatures
from molsieve.models.fingerprint_set import FoldedBits
from molsieve.models.read_across import neighbour_means
from molsieve.training.data import TrainingData

FOREST_BITS = 2048
TREES = 100
_TRIVIAL = [[c.name for c in DESCRIPTORS].index(name) for name in ("mw_da", "logp_crippen")]


def folded_counts(features: SparseFeatures) -> sparse.csc_matrix:
    """Count fingerprint folded to 2048 columns, and the descriptors; sparse, because trees grow 8 times faster."""
    cells = (features.counts.astype(np.float32), (features.molecule_of_bit(), features.ids % FOREST_BITS))
    counts = sparse.coo_matrix(cells, shape=(features.molecules, FOREST_BITS))
    return sparse.hstack([counts, sparse.coo_matrix(features.descriptors)], format="csc", dtype=np.float32)


def baseline_fold(
    data: TrainingData,
    folds: NDArray[np.int8],
    fold: int,
    out: Path,
    *,
    names: NDArray[np.int64] | None = None,
    seed: int,
    threads: int,
) -> None:
    """Fit the baselines for every endpoint and write their predictions for the held-out fold.

    Args:
        data: Curated molecules.
        folds: Fold of each.
        fold: The one held out.
        out: safetensors file: ``rows`` [n], ``forest``, ``neighbours`` and ``trivial`` [n, endpoints]; NaN where there
            is no label.
        names: Rows of the curated table that the molecules of ``data`` are; None: the same.
        seed: Of the forest.
        threads: Jobs of the forest.

    """
    columns = folded_counts(data.morgan)
    descriptors = data.morgan.descriptors[:, _TRIVIAL]
    held_out = np.flatnonzero(folds == fold)
    forest = np.full((len(held_out), len(data.endpoints)), np.nan, dtype=np.float32)
    trivial, neighbours = forest.copy(), forest.copy()
    for i, endpoint in enumerate(data.endpoints):
        measured = ~np.isnan(data.targets[:, i])
        train = measured & (folds != fold)
        test = measured[held_out]
        x, y = columns[held_out[test]], data.targets[train, i]
        neighbours[test, i] = nearest_mean(data, held_out[test], np.flatnonzero(train), y)
        if endpoint.is_regression:
            trees = ExtraTreesRegressor(TREES, n_jobs=threads, random_state=seed, max_features="sqrt")
            forest[test, i] = trees.fit(columns[train], y).predict(x)
            line = make_pipeline(StandardScaler(), LinearRegression())
            line.fit(descriptors[train], y)
            trivial[test, i] = line.predict(descriptors[held_out][test])
        else:
            if y.min() == y.max():
                continue
            trees = ExtraTreesClassifier(TREES, n_jobs=threads, random_state=seed)
            forest[test, i] = trees.fit(columns[train], y).predict_proba(x)[:, 1]
            logistic = make_pipeline(StandardScaler(), LogisticRegression())
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                logistic.fit(descriptors[train], y)
            test_descriptors = descriptors[held_out][test]
            trivial[test, i] = logistic.predict_proba(test_descriptors)[:, 1]
    with replacing(out) as temporary:
        rows = held_out if names is None else names[held_out]
        found: dict[str, NDArray[Any]] = {
            "rows": rows,
            "forest": forest,
            "neighbours": neighbours,
            "trivial": trivial,
        }
        save_file(found, temporary)


def nearest_mean(
    data: TrainingData, queries: NDArray[np.int64], training: NDArray[np.int64], labels: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Mean label of the nearest training molecules, computed by what reference models read across with."""
    asked, known = FoldedBits.of(data.fingerprints(queries)), FoldedBits.of(data.fingerprints(training))
    return neighbour_means(asked, known, [(np.arange(len(training)), labels)])[:, 0]
