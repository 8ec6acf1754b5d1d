"""Training one sparse multi-task network (an ensemble)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from molsieve.models.features import SparseFeatures
from molsieve.models.model import NetworkPart
from molsieve.models.network import NetworkShape, SparseNetwork, masked_loss
from molsieve.models.stored_network import as_stored
from molsieve.models.vocabulary import Vocabulary

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class TrainOptions:
    """Hyperparameters.

    They were chosen on inner scaffold splits of the training part of one fold: the last (width, hidden, embedding decay
    and the rarest id with a vector) without scaffold fold 0, the first (batch size, learning rate, dropout) under
    another assignment of folds. Few values were tried and two seeds differ by about as much, but no fold is untouched.
    """

    min_molecules: int = 5
    """Training molecules an id must be in to get a vector of its own."""
    members: int = 5
    width: int = 128
    hidden: int = 256
    epochs: int = 10
    batch_size: int = 512
    learning_rate: float = 3e-3
    """Peak of the one-cycle schedule."""
    dropout: float = 0.3
    bit_dropout: float = 0.2
    embedding_decay: float = 4.0
    """Weight decay (decoupled, AdamW) of the embedding; large, because it acts through the learning rate."""
    weight_decay: float = 1e-4
    endpoint_exponent: float = 0.5
    """Cells of an endpoint with n labels weigh (n_largest / n) ** exponent: small endpoints must not be drowned."""


@dataclass(frozen=True)
class Scaling:
    """Mean and sd of each endpoint's training values; 0 and 1 for classification."""

    mean: NDArray[np.float32]
    sd: NDArray[np.float32]

    @classmethod
    def of(cls, targets: NDArray[np.float32], is_regression: NDArray[np.bool_]) -> "Scaling":
        """Scaling of the regressions among the targets, [molecules, endpoints]."""
        mean = np.zeros(targets.shape[1], dtype=np.float32)
        sd = np.ones(targets.shape[1], dtype=np.float32)
        for i in np.flatnonzero(is_regression):
            measured = targets[:, i][~np.isnan(targets[:, i])]
            if len(measured):
                mean[i], sd[i] = measured.mean(), measured.std() or 1.0
        return cls(mean, sd)

    def standardised(self, targets: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values as the models are trained on them."""
        return (targets - self.mean) / self.sd


@dataclass(frozen=True)
class SoftTargets:
    """What a teacher predicts where nothing was measured: probabilities, or standardised values."""

    values: NDArray[np.float32]
    """[molecules, endpoints]."""
    weight: float
    """Of a soft label, against a measured one of the same endpoint."""


def fit_network(
    features: SparseFeatures,
    targets: NDArray[np.float32],
    is_regression: NDArray[np.bool_],
    options: TrainOptions,
    seed: int,
    *,
    soft: SoftTargets | None = None,
    progress: Progress | None = None,
) -> NetworkPart:
    """Train a network; the same on the same machine type for the same seed and one thread.

    Args:
        features: Of the training molecules.
        targets: 0, 1 or standardised values (``Scaling``), NaN where not measured, [molecules, endpoints].
        is_regression: Of each endpoint.
        options: Hyperparameters.
        seed: Of initialisation, dropout and batch order.
        soft: Labels of a teacher for the cells that were not measured.
        progress: Called with the epochs done and the epochs in all.

    """
    vocabulary = Vocabulary.of_training(features, options.min_molecules)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network(features, vocabulary, targets.shape[1], options)
        _optimise(network, features, vocabulary, targets, is_regression, options, seed, soft, progress)
    return NetworkPart(as_stored(network), vocabulary, np.arange(features.descriptors.shape[1]))


def _network(features: SparseFeatures, vocabulary: Vocabulary, endpoints: int, options: TrainOptions) -> SparseNetwork:
    shape = NetworkShape(
        rows=vocabulary.embedding_rows,
        descriptors=features.descriptors.shape[1],
        members=options.members,
        width=options.width,
        hidden=options.hidden,
        endpoints=endpoints,
    )
    network = SparseNetwork(shape, options.dropout, options.bit_dropout)
    network.descriptor_mean.copy_(torch.from_numpy(features.descriptors.mean(axis=0)))
    network.descriptor_sd.copy_(torch.from_numpy(features.descriptors.std(axis=0) + 1e-6))
    return network


def _optimise(
    network: SparseNetwork,
    features: SparseFeatures,
    vocabulary: Vocabulary,
    targets: NDArray[np.float32],
    is_regression: NDArray[np.bool_],
    options: TrainOptions,
    seed: int,
    soft: SoftTargets | None,
    progress: Progress | None,
) -> None:
    embedding_rows = vocabulary.rows_of(features.ids)
    others = [p for name, p in network.named_parameters() if name != "embedding"]
    optimiser = torch.optim.AdamW(
        [
            {"params": [network.embedding], "weight_decay": options.embedding_decay},
            {"params": others, "weight_decay": options.weight_decay},
        ],
        lr=options.learning_rate,
        # One pass over the embedding a step instead of several.
        fused=True,
    )
    n = len(targets)
    steps = options.epochs * -(-n // options.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.learning_rate, total_steps=steps, pct_start=0.15)
    cell_weights = torch.from_numpy(_cell_weights(targets, options)).float()
    regression = torch.from_numpy(is_regression)
    random = np.random.default_rng(seed)
    network.train()
    for epoch in range(options.epochs):
        order = random.permutation(n)
        for start in range(0, n, options.batch_size):
            batch = order[start : start + options.batch_size]
            part, index = _batch(features, embedding_rows, batch)
            outputs = network(
                torch.from_numpy(index),
                torch.from_numpy(np.log2(1.0 + part.counts.astype(np.float32))),
                torch.from_numpy(part.offsets[:-1]),
                torch.from_numpy(part.descriptors),
            )
            goal = torch.from_numpy(targets[batch])
            loss = masked_loss(outputs, goal, cell_weights, regression)
            if soft is not None:
                taught = torch.from_numpy(np.where(np.isnan(targets[batch]), soft.values[batch], np.nan))
                loss = loss + masked_loss(outputs, taught, cell_weights * soft.weight, regression)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        if progress is not None:
            progress(epoch + 1, options.epochs)


def _cell_weights(targets: NDArray[np.float32], options: TrainOptions) -> NDArray[np.float64]:
    labels = np.maximum((~np.isnan(targets)).sum(axis=0), 1)
    weights: NDArray[np.float64] = (labels.max() / labels) ** options.endpoint_exponent
    return weights


def _batch(
    features: SparseFeatures, embedding_rows: NDArray[np.int64], batch: NDArray[np.int64]
) -> tuple[SparseFeatures, NDArray[np.int64]]:
    """Features of the batch, and the embedding rows of its ids."""
    part = features.take(batch)
    lengths = np.diff(part.offsets)
    index = np.arange(part.offsets[-1]) + np.repeat(features.offsets[batch] - part.offsets[:-1], lengths)
    return part, embedding_rows[index]
