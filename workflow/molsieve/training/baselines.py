"""What any model has to beat, in the same folds: an untuned forest, and a logistic regression on logP and weight."""

import warnings
from pathlib import Path

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
from molsieve.training.fit import TrainingData

FOREST_BITS = 2048
TREES = 100
_TRIVIAL = [[c.name for c in DESCRIPTORS].index(name) for name in ("mw_da", "logp_crippen")]


def folded_counts(features: SparseFeatures) -> sparse.csc_matrix:
    """Count fingerprint folded to 2048 columns, and the descriptors; sparse, because trees grow 8 times faster."""
    cells = (features.counts.astype(np.float32), (features.molecule_of_bit(), features.ids % FOREST_BITS))
    counts = sparse.coo_matrix(cells, shape=(features.molecules, FOREST_BITS))
    return sparse.hstack([counts, sparse.coo_matrix(features.descriptors)], format="csc", dtype=np.float32)


def baseline_fold(
    data: TrainingData, folds: NDArray[np.int8], fold: int, out: Path, *, seed: int, threads: int
) -> None:
    """Fit the baselines for every endpoint and write their predictions for the held-out fold.

    Args:
        data: Curated molecules.
        folds: Fold of each.
        fold: The one held out.
        out: safetensors file: ``rows`` [n], ``forest`` and ``trivial`` [n, endpoints]; NaN where there is no label.
        seed: Of the forest.
        threads: Jobs of the forest.

    """
    columns = folded_counts(data.features)
    held_out = np.flatnonzero(folds == fold)
    forest = np.full((len(held_out), len(data.endpoints)), np.nan, dtype=np.float32)
    trivial = forest.copy()
    for i, endpoint in enumerate(data.endpoints):
        measured = ~np.isnan(data.targets[:, i])
        train = measured & (folds != fold)
        test = measured[held_out]
        x, y = columns[held_out[test]], data.targets[train, i]
        if endpoint.is_regression:
            trees = ExtraTreesRegressor(TREES, n_jobs=threads, random_state=seed, max_features="sqrt")
            forest[test, i] = trees.fit(columns[train], y).predict(x)
            line = make_pipeline(StandardScaler(), LinearRegression())
            line.fit(data.features.descriptors[train][:, _TRIVIAL], y)
            trivial[test, i] = line.predict(data.features.descriptors[held_out][test][:, _TRIVIAL])
        else:
            trees = ExtraTreesClassifier(TREES, n_jobs=threads, random_state=seed)
            forest[test, i] = trees.fit(columns[train], y).predict_proba(x)[:, 1]
            logistic = make_pipeline(StandardScaler(), LogisticRegression())
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                logistic.fit(data.features.descriptors[train][:, _TRIVIAL], y)
            test_descriptors = data.features.descriptors[held_out][test][:, _TRIVIAL]
            trivial[test, i] = logistic.predict_proba(test_descriptors)[:, 1]
    with replacing(out) as temporary:
        save_file({"rows": held_out, "forest": forest, "trivial": trivial}, temporary)
