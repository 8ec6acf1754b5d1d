"""Training the sparse network: one fold for an honest prediction, or all molecules for the model that ships."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from molsieve.files import replacing, write_text
from molsieve.models.domain import unseen_fraction
from molsieve.models.endpoints import Endpoint
from molsieve.models.features import SparseFeatures, features_of
from molsieve.models.neighbours import FoldedBits
from molsieve.models.network import NetworkShape, TriageNetwork, masked_loss, network_outputs
from molsieve.models.store import TrainingRecord, as_stored, connectivity_hash, weights_bytes
from molsieve.models.vocabulary import Vocabulary

_PREDICT_ROWS = 8192


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


class TrainingData:
    """Curated molecules as arrays."""

    def __init__(self, table: pa.Table, endpoints: Sequence[Endpoint]) -> None:
        self.features: SparseFeatures = features_of(table)
        self.connectivity: list[str] = table["connectivity"].to_pylist()
        columns = [table[e.name].to_numpy(zero_copy_only=False) for e in endpoints]
        self.targets: NDArray[np.float32] = np.stack(columns, axis=1).astype(np.float32)
        self.endpoints = tuple(endpoints)
        self.is_regression = np.array([e.is_regression for e in endpoints])
        self.is_activity = np.array([e.family == "activity" for e in endpoints])

    @property
    def molecules(self) -> int:
        """Number of molecules."""
        return len(self.targets)


@dataclass(frozen=True)
class Fitted:
    """A trained network, rounded to what is stored, and what belongs to it."""

    network: TriageNetwork
    vocabulary: Vocabulary
    scales: dict[str, dict[str, float]]
    """Mean and sd of each regression endpoint's training values."""
    seconds: float

    def outputs(self, data: TrainingData, features: SparseFeatures) -> NDArray[np.float32]:
        """Raw outputs of every member: logits, or values in the endpoint's unit; [n, members, endpoints]."""
        rows, _ = self.vocabulary.rows_of(features.ids)
        outputs = network_outputs(self.network, features, rows, batch_size=_PREDICT_ROWS).numpy()
        for i, endpoint in enumerate(data.endpoints):
            if endpoint.is_regression:
                outputs[:, :, i] = outputs[:, :, i] * self.scales[endpoint.name]["sd"]
                outputs[:, :, i] += self.scales[endpoint.name]["mean"]
        return outputs


def fit(data: TrainingData, rows: NDArray[np.int64], options: TrainOptions, seed: int) -> Fitted:
    """Train on the given molecules; the same on the same machine type for the same seed and one thread."""
    started = time.perf_counter()
    features = data.features.take(rows)
    vocabulary = Vocabulary.of_training(features, options.min_molecules)
    targets, scales = _standardised(data, rows)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network(features, vocabulary, len(data.endpoints), options)
        _optimise(network, features, vocabulary, targets, data.is_regression, options, seed)
    return Fitted(as_stored(network), vocabulary, scales, time.perf_counter() - started)


def _standardised(
    data: TrainingData, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], dict[str, dict[str, float]]]:
    targets = data.targets[rows].copy()
    scales = {}
    for i, endpoint in enumerate(data.endpoints):
        if endpoint.is_regression:
            mean, sd = float(np.nanmean(targets[:, i])), float(np.nanstd(targets[:, i])) or 1.0
            targets[:, i] = (targets[:, i] - mean) / sd
            scales[endpoint.name] = {"mean": mean, "sd": sd}
    return targets, scales


def _network(features: SparseFeatures, vocabulary: Vocabulary, endpoints: int, options: TrainOptions) -> TriageNetwork:
    shape = NetworkShape(
        rows=vocabulary.embedding_rows,
        descriptors=features.descriptors.shape[1],
        members=options.members,
        width=options.width,
        hidden=options.hidden,
        endpoints=endpoints,
    )
    network = TriageNetwork(shape, options.dropout, options.bit_dropout)
    network.descriptor_mean.copy_(torch.from_numpy(features.descriptors.mean(axis=0)))
    network.descriptor_sd.copy_(torch.from_numpy(features.descriptors.std(axis=0) + 1e-6))
    return network


def _optimise(
    network: TriageNetwork,
    features: SparseFeatures,
    vocabulary: Vocabulary,
    targets: NDArray[np.float32],
    is_regression: NDArray[np.bool_],
    options: TrainOptions,
    seed: int,
) -> None:
    embedding_rows, _ = vocabulary.rows_of(features.ids)
    others = [p for name, p in network.named_parameters() if name != "embedding"]
    optimiser = torch.optim.AdamW(
        [
            {"params": [network.embedding], "weight_decay": options.embedding_decay},
            {"params": others, "weight_decay": options.weight_decay},
        ],
        lr=options.learning_rate,
    )
    n = len(targets)
    steps = options.epochs * -(-n // options.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.learning_rate, total_steps=steps, pct_start=0.15)
    labels = np.maximum((~np.isnan(targets)).sum(axis=0), 1)
    cell_weights = torch.from_numpy((labels.max() / labels) ** options.endpoint_exponent).float()
    regression = torch.from_numpy(is_regression)
    random = np.random.default_rng(seed)
    network.train()
    for _ in range(options.epochs):
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
            loss = masked_loss(outputs, torch.from_numpy(targets[batch]), cell_weights, regression)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()


def _batch(
    features: SparseFeatures, embedding_rows: NDArray[np.int64], batch: NDArray[np.int64]
) -> tuple[SparseFeatures, NDArray[np.int64]]:
    """Features of the batch, and the embedding rows of its ids."""
    part = features.take(batch)
    lengths = np.diff(part.offsets)
    index = np.arange(part.offsets[-1]) + np.repeat(features.offsets[batch] - part.offsets[:-1], lengths)
    return part, embedding_rows[index]


def fit_fold(
    data: TrainingData, folds: NDArray[np.int8], fold: int, out: Path, *, options: TrainOptions, seed: int
) -> Fitted:
    """Train on all folds but one and write the predictions for that one.

    Args:
        data: Curated molecules.
        folds: Fold of each.
        fold: The one held out.
        out: safetensors file: ``rows`` [n], ``outputs`` [n, members, endpoints], ``unseen_fraction`` [n].
        options: Hyperparameters.
        seed: Of initialisation, dropout and batch order.

    """
    fitted = fit(data, np.flatnonzero(folds != fold), options, seed)
    held_out = np.flatnonzero(folds == fold)
    features = data.features.take(held_out)
    _, is_known = fitted.vocabulary.rows_of(features.ids)
    tensors: dict[str, NDArray[Any]] = {
        "rows": held_out,
        "outputs": fitted.outputs(data, features),
        "unseen_fraction": unseen_fraction(features, is_known),
    }
    with replacing(out) as temporary:
        save_file(tensors, temporary)
    return fitted


def fit_final(data: TrainingData, weights: Path, facts: Path, *, options: TrainOptions, seed: int) -> Fitted:
    """Train on all molecules and write the weights as they ship, and a JSON file of facts about the training."""
    fitted = fit(data, np.arange(data.molecules), options, seed)
    with replacing(weights) as temporary:
        temporary.write_bytes(weights_bytes(fitted.network, training_record(data, fitted.vocabulary)))
    document = {
        "options": asdict(options),
        "seed": seed,
        "molecules": data.molecules,
        "shape": asdict(fitted.network.shape),
        "scales": fitted.scales,
        "seconds": round(fitted.seconds, 1),
    }
    write_text(facts, json.dumps(document, indent=1) + "\n")
    return fitted


def training_record(data: TrainingData, vocabulary: Vocabulary) -> TrainingRecord:
    """Collect what the model keeps of its training molecules."""
    active = np.flatnonzero((~np.isnan(data.targets[:, data.is_activity])).any(axis=1))
    offsets, ids = data.features.offsets, data.features.ids
    folded = FoldedBits.of([ids[offsets[i] : offsets[i + 1]] for i in active])
    hashes = np.array(sorted(connectivity_hash(key) for key in data.connectivity), dtype=np.uint64)
    return TrainingRecord(vocabulary, hashes, folded.bits, folded.offsets)
