"""Deriving the limit of the applicability domain from out-of-fold errors, and showing that the error rises with it."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molsieve.models.domain import unseen_fraction
from molsieve.models.info import Domain
from molsieve.training.data import TrainingData
from molsieve.training.splits import FOLDS

UNSEEN_EDGES = (0.0, 0.05, 0.1, 0.2, 0.3, 1.0)
SIMILARITY_EDGES = (0.0, 0.3, 0.4, 0.6, 1.0)
# Beyond the limit the error is at least this many times that of the molecules nearest to the training data.
TOLERANCE = 1.15
# Bins in which the rarer class of an endpoint has fewer labels say nothing about it.
LEAST_LABELS = 10


def derive_domain(
    data: TrainingData,
    predicted: NDArray[np.float64],
    unseen: NDArray[np.float32],
    similarity: list[NDArray[np.float32]],
) -> Domain:
    """Error by share of unseen Morgan ids and by similarity, and the share beyond which it is too large.

    The error of a label is |calibrated probability - label|, averaged within each class of an endpoint before the
    classes are averaged, so that bins with more positives do not look worse; for regression it is the absolute error.
    Each endpoint's errors are divided by that endpoint's mean error, then averaged over endpoints with enough labels in
    the bin. The limit is the upper edge of the last bin before the first whose error exceeds ``TOLERANCE`` times that
    of the nearest bin.

    Args:
        data: Curated molecules.
        predicted: Out-of-fold calibrated probabilities or values, [n, endpoints].
        unseen: Unseen share of each molecule when its fold was held out (``unseen_out_of_fold``), [n].
        similarity: For each endpoint, similarity of its labelled molecules to the nearest in another fold.

    """
    by_unseen = _Curves(UNSEEN_EDGES)
    by_similarity = _Curves(SIMILARITY_EDGES)
    for i, endpoint in enumerate(data.endpoints):
        measured = ~np.isnan(data.targets[:, i])
        truth = data.targets[measured, i].astype(float)
        values = predicted[measured, i]
        by_unseen.add(endpoint.name, truth, values, unseen[measured], regression=endpoint.is_regression)
        by_similarity.add(endpoint.name, truth, values, similarity[i], regression=endpoint.is_regression)
    pooled = by_unseen.pooled()
    counts = [int(inside.sum()) for inside in by_unseen.bins(unseen)]
    return Domain(
        max_unseen_fraction=limit(pooled),
        statistics={
            "measure": "share of the molecule's distinct Morgan ids that no training molecule has",
            "edges": list(UNSEEN_EDGES),
            "relative_error": pooled,
            "endpoints_in_bin": by_unseen.endpoints(),
            "molecules_in_bin": counts,
            "tolerance": TOLERANCE,
            "by_endpoint": by_unseen.curves,
            "similarity": {
                "measure": "Tanimoto similarity to the nearest training molecule of the endpoint",
                "edges": list(SIMILARITY_EDGES),
                "relative_error": by_similarity.pooled(),
                "endpoints_in_bin": by_similarity.endpoints(),
                "by_endpoint": by_similarity.curves,
            },
        },
    )


def unseen_out_of_fold(data: TrainingData, folds: NDArray[np.int8]) -> NDArray[np.float32]:
    """Unseen share of each molecule, judged by the molecules of the other folds."""
    unseen = np.empty(data.molecules, dtype=np.float32)
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        known = np.unique(data.morgan.take(outside).ids)
        unseen[inside] = unseen_fraction(data.morgan.take(inside), known)
    return unseen


def limit(relative_error: list[float | None]) -> float:
    """Upper edge of the last bin before the error first exceeds the tolerance."""
    nearest = next((error for error in relative_error if error is not None), None)
    for b, error in enumerate(relative_error):
        if error is not None and nearest is not None and b > 0 and error > TOLERANCE * nearest:
            return UNSEEN_EDGES[b]
    return UNSEEN_EDGES[-1]


class _Curves:
    """Error of each endpoint by bin, and relative to the endpoint's own mean error."""

    def __init__(self, edges: tuple[float, ...]) -> None:
        self.edges = edges
        self.curves: dict[str, list[dict[str, Any]]] = {}
        self._relative: list[list[float]] = [[] for _ in edges[:-1]]

    def bins(self, measure: NDArray[np.float32]) -> list[NDArray[np.bool_]]:
        """Which molecules lie in each bin."""
        inner = np.array(self.edges[1:-1], dtype=np.float32)
        index = np.clip(np.digitize(measure.astype(np.float32), inner, right=True), 0, len(self.edges) - 2)
        return [index == b for b in range(len(self.edges) - 1)]

    def add(
        self,
        name: str,
        truth: NDArray[np.float64],
        predicted: NDArray[np.float64],
        measure: NDArray[np.float32],
        *,
        regression: bool,
    ) -> None:
        """Add the curve of one endpoint."""
        overall = _error(truth, predicted, regression=regression)
        curve = []
        for b, ((low, high), inside) in enumerate(zip(pairwise(self.edges), self.bins(measure), strict=True)):
            rarer = inside.sum() if regression else min(truth[inside].sum(), (1 - truth[inside]).sum())
            entry: dict[str, Any] = {"from": low, "to": high, "n": int(inside.sum())}
            if rarer >= LEAST_LABELS:
                error = _error(truth[inside], predicted[inside], regression=regression)
                entry["error"] = round(error, 4)
                self._relative[b].append(error / overall)
            curve.append(entry)
        self.curves[name] = curve

    def pooled(self) -> list[float | None]:
        """Mean relative error of each bin over the endpoints that have one."""
        return [round(float(np.mean(r)), 4) if r else None for r in self._relative]

    def endpoints(self) -> list[int]:
        """How many endpoints each bin's mean rests on."""
        return [len(r) for r in self._relative]


def _error(truth: NDArray[np.float64], predicted: NDArray[np.float64], *, regression: bool) -> float:
    error = np.abs(predicted - truth)
    if regression:
        return float(error.mean())
    return float((error[truth == 1].mean() + error[truth == 0].mean()) / 2)
