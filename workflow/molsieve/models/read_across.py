"""Read-across: what the nearest measured molecules were found to be, as one more part of a reference model.

Networks and trees predict from what many molecules have in common; what was measured of a molecule's closest relatives
adds to that, and nothing has to be trained. It takes about a millisecond of one core a molecule, with 73 endpoints and
53,000 training molecules.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from molsieve.models.fingerprint_set import FoldedBits, similarities
from molsieve.models.record import TrainingRecord

NEIGHBOURS = 5
"""Molecules with a label that a prediction is read from."""
PRIOR = 0.1
"""Weight of the mean of all labels beside the neighbours': that of one neighbour at a similarity of 0.46, so that far
neighbours say little."""

# Five labels that agree are no proof; without a limit their logit would be infinite.
_LEAST_PROBABILITY = 0.01


def neighbour_means(
    queries: FoldedBits,
    training: FoldedBits,
    measured: Sequence[tuple[NDArray[np.integer], NDArray[np.floating]]],
    prior: float = PRIOR,
) -> NDArray[np.float32]:
    """Mean label of the nearest molecules, weighted by the cube of their Tanimoto similarity, and of all labels.

    Equally near molecules share the last places evenly, so their order does not matter.

    Args:
        queries: Molecules asked about.
        training: Molecules that may have labels.
        measured: Of each endpoint, the rows of ``training`` with a label, and the labels.
        prior: Weight of the mean of all labels.

    Returns:
        [queries, endpoints], in the unit of the labels; NaN for endpoints without any.

    """
    found = np.full((queries.molecules, len(measured)), np.nan, dtype=np.float32)
    endpoints = [
        (i, torch.from_numpy(rows.astype(np.int64)), torch.from_numpy(labels.astype(np.float64)))
        for i, (rows, labels) in enumerate(measured)
        if len(rows)
    ]
    start = 0
    for similarity in similarities(queries, training):
        stop = start + len(similarity)
        for i, rows, labels in endpoints:
            weights = _weights(similarity.index_select(1, rows))
            total, weight = weights @ labels + prior * labels.mean(), weights.sum(dim=1) + prior
            found[start:stop, i] = torch.where(weight > 0, total / weight, labels.mean())
        start = stop
    return found


def _weights(similarity: torch.Tensor) -> torch.Tensor:
    """Weights of molecules for queries: the cubes of the largest similarities, 0 for the rest; [queries, molecules]."""
    last = similarity.topk(min(NEIGHBOURS, similarity.shape[1]), dim=1).values[:, -1:]
    nearer, equal = similarity > last, similarity == last
    places = (NEIGHBOURS - nearer.sum(dim=1, keepdim=True)) / equal.sum(dim=1, keepdim=True)
    # In double precision, so that the order of summation does not show after rounding.
    return similarity.double() ** 3 * (nearer + equal * places.clamp(max=1.0))


def neighbour_logits(means: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean labels of classes as the output of a part of a stack; NaN stays NaN."""
    p = means.astype(np.float64).clip(_LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    logits: NDArray[np.float32] = np.log(p / (1 - p)).astype(np.float32)
    return logits


def read_across(
    queries: FoldedBits, record: TrainingRecord, endpoints: Sequence[int], prior: float = PRIOR
) -> NDArray[np.float32]:
    """Logits of the nearest labelled training molecules for some classification endpoints: [queries, endpoints].

    A training molecule is its own nearest neighbour here. The networks and trees have seen its label as well, so what
    a model says of it is no prediction in any case: results tell it by ``in_training``, evaluations leave it out.
    """
    return neighbour_logits(neighbour_means(queries, record.bits, [record.labelled(i) for i in endpoints], prior))
