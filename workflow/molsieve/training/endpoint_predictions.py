"""Predictions of one endpoint for molecules that are not a library, with their distance from its training data.

The same numbers as ``models.predict`` gives, but without the work for other endpoints; the members' raw outputs are
kept, so that another calibration can be tried on them.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from molsieve.models.calibration import CalibrationTable
from molsieve.models.conformal import DEFAULT_ERROR
from molsieve.models.domain import unseen_fraction
from molsieve.models.features import SparseFeatures
from molsieve.models.fingerprint_set import FoldedBits, nearest_similarity
from molsieve.models.kinds import inputs_of
from molsieve.models.model import Model
from molsieve.models.predict import mean_and_spread
from molsieve.models.rich_features import rich_features
from molsieve.models.trust import Trust
from molsieve.training.leaks import LeakSet

# Molecules described and predicted at a time: what a progress bar moves by.
_BLOCK = 2000

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]
"""Called with the molecules done and the molecules in all."""


class EndpointPredictions(NamedTuple):
    """Predictions of one endpoint; NaN for molecules that RDKit could not describe."""

    members: NDArray[np.float32]
    """Raw outputs: logits or standardised values, [n, members]."""
    output: Array
    """Their weighted mean, [n]."""
    value: Array
    """Calibrated probability, or value in the endpoint's unit, [n]."""
    sd: Array
    """Standard deviation over the members, in the unit of ``value``, [n]."""
    low: Array
    """Lower bound of the 90 % interval, [n]; NaN for classification."""
    high: Array
    nn_similarity: Array
    """Tanimoto similarity to the nearest molecule the endpoint was trained on, [n]; NaN when these are not known."""
    unseen_fraction: Array
    """Share of the Morgan ids that no training molecule of the model has, [n]; NaN in the same case."""

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All columns."""
        return tuple(self)

    @property
    def described(self) -> NDArray[np.bool_]:
        """Whether there is a prediction."""
        return ~np.isnan(self.output)

    def take(self, rows: NDArray[Any]) -> "EndpointPredictions":
        """Some of the molecules."""
        return EndpointPredictions._make(column[rows] for column in self.arrays)

    def put(self, rows: NDArray[np.int64], others: "EndpointPredictions") -> "EndpointPredictions":
        """Replace some of the molecules."""
        columns = [column.copy() for column in self.arrays]
        for column, values in zip(columns, others.arrays, strict=True):
            column[rows] = values
        return EndpointPredictions._make(columns)

    def followed_by(self, others: "EndpointPredictions") -> "EndpointPredictions":
        """These molecules, then others."""
        pairs = zip(self.arrays, others.arrays, strict=True)
        return EndpointPredictions._make(np.concatenate(pair) for pair in pairs)


def endpoint_training_set(model: Model, endpoint: str) -> LeakSet:
    """Molecules that one endpoint of a model was trained on."""
    rows, _ = model.record.labelled(model.info.endpoint_index(endpoint))
    return LeakSet(
        f"the training data of {endpoint} in {model.info.name}",
        model.record.hashes[rows],
        model.record.bits.take(rows),
        rows=len(rows),
        is_known=model.info.training_is_known,
    )


def predict_endpoint(
    model: Model,
    endpoint: str,
    parents: Sequence[str] | NDArray[np.object_],
    bits: FoldedBits,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> EndpointPredictions:
    """Predict one endpoint and measure the distance to its training data.

    Args:
        model: The model.
        endpoint: Its endpoint.
        parents: SMILES of standardised parents.
        bits: Their folded fingerprints.
        workers: Processes that describe molecules.
        progress: Called after each block.

    """
    index = model.info.endpoint_index(endpoint)
    outputs = np.full((len(parents), model.member_weights.shape[0]), np.nan, dtype=np.float32)
    unseen = np.full(len(parents), np.nan)
    for start in range(0, len(parents), _BLOCK):
        found = rich_features(list(parents[start : start + _BLOCK]), workers=workers)
        rows = start + found.rows
        inputs = inputs_of(model, found, [parents[row] for row in rows])
        outputs[rows] = _endpoint_outputs(model, inputs, found.morgan, index)
        if model.info.training_is_known:
            unseen[rows] = unseen_fraction(found.morgan, model.record.morgan_ids)
        if progress is not None:
            progress(min(start + _BLOCK, len(parents)), len(parents))
    similarity = none = np.full(len(parents), np.nan)
    if model.info.training_is_known:
        trained = endpoint_training_set(model, endpoint).bits or FoldedBits.of([])
        similarity = nearest_similarity(bits, trained).astype(np.float64)
    raw = EndpointPredictions(outputs, none, none, none, none, none, similarity, unseen)
    return predictions_under(model, model.trust, endpoint, raw)


def _endpoint_outputs(
    model: Model, features: SparseFeatures, morgan: SparseFeatures, index: int
) -> NDArray[np.float32]:
    """One endpoint's column of ``Model.outputs``, without the trees of the others: [n, members]."""
    if not model.networks:
        column: NDArray[np.float32] = model.outputs(features)[:, :, index].cpu().numpy()
        return column
    parts = [part.outputs(features, model.device)[:, :, index].cpu().numpy() for part in model.networks]
    if model.boosters is not None:
        name = model.endpoints[index].name
        trees = model.boosters.outputs(features, [name], torch.get_num_threads())
        parts.append(trees)
    neighbours = model.neighbours(morgan, [index])
    if neighbours is not None:
        parts.append(neighbours)
    found: NDArray[np.float32] = np.nan_to_num(np.concatenate(parts, axis=1), nan=0.0)
    return found


def predictions_under(model: Model, trust: Trust, endpoint: str, predicted: EndpointPredictions) -> EndpointPredictions:
    """Turn the members' raw outputs into numbers to believe, as ``models.predict`` does, under any trust.

    Args:
        model: The model.
        trust: Its own, or another for this endpoint.
        endpoint: The endpoint.
        predicted: Predictions, of which only ``members`` and the distances are taken.

    """
    index = model.info.endpoint_index(endpoint)
    raw = torch.from_numpy(predicted.members)[:, :, None]
    weights = model.member_weights[:, index : index + 1]
    mean = (raw * weights).sum(dim=1)
    low = high = torch.full((len(raw),), torch.nan)
    if model.endpoints[index].is_regression:
        scale = model.info.scales[endpoint]
        value, sd = mean_and_spread(raw * scale.sd + scale.mean, weights)
        low, high = trust.intervals[endpoint].bounds(value[:, 0], sd[:, 0])
    else:
        # NaN would be used as a place in the calibration table.
        known = torch.nan_to_num(raw)
        table = CalibrationTable([trust.calibrations[endpoint]])
        value = table.probabilities((known * weights).sum(dim=1))
        _, sd = mean_and_spread(table.probabilities(known), model.spread_weights[:, index : index + 1])
        missing = torch.isnan(mean)
        value[missing], sd[missing] = torch.nan, torch.nan
    found = [t.numpy().astype(np.float64) for t in (mean[:, 0], value[:, 0], sd[:, 0], low, high)]
    return EndpointPredictions._make((predicted.members, *found, predicted.nn_similarity, predicted.unseen_fraction))


def conformal_sets(model: Model, endpoint: str, output: Array, error: float = DEFAULT_ERROR) -> NDArray[np.int8]:
    """Conformal set of each mean logit, as an index into ``conformal.SETS``."""
    return model.trust.conformal[endpoint].sets(output, error)
