"""The parts a reference model is a stack of, and the triage network taught by them.

Each part is trained on its own: networks on Morgan ids (``morgan``), networks on two kinds of fingerprints and many
descriptors (``rich``), and gradient-boosted trees on the latter (``boosters``). The networks of a part are one that
learns all endpoints and specialists that learn some families alone (``SPECIALISTS``). The shipped triage network
(``student``) sees Morgan ids only and learns, where nothing was measured, from the stack.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from molsieve.files import replacing
from molsieve.models.boosters import Boosters
from molsieve.models.features import SparseFeatures
from molsieve.models.model import NetworkPart
from molsieve.models.network import NetworkShape, with_heads
from molsieve.models.stored_network import pack_network, unpack_network
from molsieve.models.vocabulary import Vocabulary
from molsieve.training.boosting import fit_boosters
from molsieve.training.data import TrainingData
from molsieve.training.evaluation import member_mean
from molsieve.training.fit import Progress, Scaling, SoftTargets, TrainOptions, fit_network

Component = Literal["morgan", "rich", "boosters", "student"]
STACKED: tuple[Component, ...] = ("morgan", "rich", "boosters")
"""The parts of a reference model; its ``ModelInfo.stack`` has their networks in this order."""

FEATURES: dict[Component, str] = {"morgan": "morgan", "rich": "rich", "boosters": "rich", "student": "morgan"}


class Specialist(NamedTuple):
    """A network beside the one of all endpoints."""

    learns: tuple[str, ...]
    """Families it is trained on."""
    predicts: tuple[str, ...]
    """Families it is asked for, together with the network of all endpoints."""
    parts: tuple[Component, ...]
    """Parts that have one."""


SPECIALISTS = (
    Specialist(("activity", "gut"), ("activity",), ("morgan", "rich")),
    Specialist(("toxicity", "adme"), ("toxicity", "adme"), ("rich",)),
)
"""Chosen on the scaffold folds and on classes of antibiotics left out (benchmarks/specialists.py, far_molecules.py):
labels of toxicity hide such classes from the activity endpoints, labels of activity and gut bacteria cost the toxicity
endpoints accuracy (on Morgan ids too little to earn the megabytes), and gut bacteria are predicted best by what learns
everything."""
# A cell the teacher filled counts this much of a measured one; most cells are filled, so it is small.
SOFT_WEIGHT = 0.1
STUDENT = TrainOptions(epochs=30, dropout=0.15, bit_dropout=0.1)
"""The teacher's answers keep it from learning its molecules by heart, so it may learn longer, with less noise
(benchmarks/student.py)."""


def options_of(component: Component) -> TrainOptions:
    """Hyperparameters that a part is trained with unless told otherwise."""
    return STUDENT if component == "student" else TrainOptions()


@dataclass(frozen=True)
class FittedComponent:
    """A trained part, and what its outputs mean."""

    component: Component
    part: tuple[NetworkPart, ...] | Boosters
    scaling: Scaling
    seconds: float

    def outputs(self, data: TrainingData, rows: NDArray[np.int64], threads: int) -> NDArray[np.float32]:
        """Logits, or values in the endpoint's unit, of every member: [rows, members, endpoints].

        NaN where a member does not predict an endpoint.
        """
        features = data.features(FEATURES[self.component]).take(rows)
        if isinstance(self.part, Boosters):
            names = [e.name for e in data.endpoints]
            outputs = self.part.outputs(features, names, threads)[:, None, :]
        else:
            outputs = np.concatenate([network.outputs(features).numpy() for network in self.part], axis=1)
        scaled: NDArray[np.float32] = outputs * self.scaling.sd + self.scaling.mean
        return scaled


def fit_component(
    data: TrainingData,
    rows: NDArray[np.int64],
    component: Component,
    *,
    options: TrainOptions,
    seed: int,
    threads: int,
    families: Collection[str] | None = None,
    soft: NDArray[np.float32] | None = None,
    progress: Progress | None = None,
) -> FittedComponent:
    """Train one part on some molecules.

    Args:
        data: Curated molecules.
        rows: Those to train on.
        component: Which part.
        options: Of the networks.
        seed: Of everything random.
        threads: CPU threads of the boosters.
        families: Those that will be predicted; specialists for others are not trained. None: all; empty: no specialist.
        soft: For the student: the stack's logits and values for all molecules, [molecules, endpoints].
        progress: Called with steps done and steps in all.

    """
    started = time.perf_counter()
    torch.set_num_threads(threads)
    features = data.features(FEATURES[component]).take(rows)
    scaling = Scaling.of(data.targets[rows], data.is_regression)
    targets = scaling.standardised(data.targets[rows])
    part: tuple[NetworkPart, ...] | Boosters
    if component == "boosters":
        names = [e.name for e in data.endpoints]
        part = fit_boosters(features, targets, data.is_regression, names, seed, threads=threads, progress=progress)
    else:
        taught = None if soft is None else SoftTargets(_soft(soft[rows], scaling, data.is_regression), SOFT_WEIGHT)
        whole = fit_network(features, targets, data.is_regression, options, seed, soft=taught, progress=progress)
        part = (whole,)
        if component != "student":
            wanted = {e.family for e in data.endpoints} if families is None else set(families)
            chosen = [s for s in SPECIALISTS if component in s.parts and wanted.intersection(s.predicts)]
            others = [_specialist(specialist, data, features, targets, options, seed) for specialist in chosen]
            part += tuple(network for network in others if network is not None)
    return FittedComponent(component, part, scaling, round(time.perf_counter() - started, 1))


def _specialist(
    specialist: Specialist,
    data: TrainingData,
    features: SparseFeatures,
    targets: NDArray[np.float32],
    options: TrainOptions,
    seed: int,
) -> NetworkPart | None:
    """Train a specialist; None if there is nothing but what it would learn.

    Args:
        specialist: Which one.
        data: For its endpoints.
        features: Of the training molecules.
        targets: As in ``fit_network``, all endpoints.
        options: Hyperparameters.
        seed: As in ``fit_network``.

    """
    families = [e.family for e in data.endpoints]
    learned = np.flatnonzero([family in specialist.learns for family in families])
    predicts = np.array([family in specialist.predicts for family in families])
    if len(learned) == len(families):
        return None
    rows = np.flatnonzero((~np.isnan(targets[:, learned])).any(axis=1))
    own = targets[np.ix_(rows, learned)]
    fitted = fit_network(features.take(rows), own, data.is_regression[learned], options, seed)
    return replace(fitted, network=with_heads(fitted.network, np.flatnonzero(predicts[learned])), predicts=predicts)


def _soft(stack: NDArray[np.float32], scaling: Scaling, is_regression: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Logits to probabilities, values to standardised values."""
    probabilities = 1 / (1 + np.exp(-stack.astype(np.float32)))
    return np.where(is_regression, scaling.standardised(stack), probabilities).astype(np.float32)


def save_component(fitted: FittedComponent, out: Path) -> None:
    """Write a trained part."""
    tensors: dict[str, NDArray[Any]] = {
        "scaling_mean": fitted.scaling.mean,
        "scaling_sd": fitted.scaling.sd,
        "seconds": np.array([fitted.seconds]),
    }
    if isinstance(fitted.part, Boosters):
        tensors |= fitted.part.tensors()
    else:
        for i, part in enumerate(fitted.part):
            shape = part.network.shape
            sizes = (shape.rows, shape.descriptors, shape.members, shape.width, shape.hidden, shape.endpoints)
            own = pack_network(part.network) | {"vocabulary_ids": part.vocabulary.ids, "shape": np.array(sizes)}
            if part.predicts is not None:
                own["predicts"] = part.predicts
            tensors |= {f"network{i}.{name}": tensor for name, tensor in own.items()}
    with replacing(out) as temporary:
        save_file(tensors, temporary)


def load_component(component: Component, path: Path) -> FittedComponent:
    """Part written by ``save_component``."""
    tensors = load_file(path)
    scaling = Scaling(tensors.pop("scaling_mean"), tensors.pop("scaling_sd"))
    seconds = float(tensors.pop("seconds")[0])
    part: tuple[NetworkPart, ...] | Boosters
    if component == "boosters":
        part = Boosters.from_tensors(tensors) or Boosters({})
    else:
        networks = sorted({name.partition(".")[0] for name in tensors})
        part = tuple(_network_part(tensors, f"{network}.") for network in networks)
    return FittedComponent(component, part, scaling, seconds)


def _network_part(tensors: dict[str, NDArray[Any]], prefix: str) -> NetworkPart:
    own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    shape = NetworkShape(*(int(size) for size in own.pop("shape")))
    vocabulary, predicts = Vocabulary(own.pop("vocabulary_ids")), own.pop("predicts", None)
    return NetworkPart(unpack_network(own, shape), vocabulary, np.arange(shape.descriptors), predicts)


def teacher_outputs(files: Sequence[Path]) -> NDArray[np.float32]:
    """Mean of the parts' outputs for all molecules, from the files of one fold: [molecules, endpoints]."""
    parts = [load_file(file)["everywhere"].astype(np.float32) for file in files]
    mean: NDArray[np.float32] = np.nanmean(parts, axis=0).astype(np.float32)
    return mean


def stack_outputs(stack: Sequence[FittedComponent], data: TrainingData, threads: int) -> NDArray[np.float32]:
    """Mean of the parts' outputs for all molecules: [molecules, endpoints]."""
    everywhere = [_everywhere(fitted, data, threads) for fitted in stack]
    mean: NDArray[np.float32] = np.nanmean(everywhere, axis=0).astype(np.float32)
    return mean


def _everywhere(fitted: FittedComponent, data: TrainingData, threads: int) -> NDArray[np.float32]:
    blocks = np.array_split(np.arange(data.molecules), max(data.molecules // 8192, 1))
    means = [member_mean(fitted.outputs(data, block, threads)) for block in blocks]
    return np.concatenate(means).astype(np.float32)


def predict_fold(
    fitted: FittedComponent,
    data: TrainingData,
    held_out: NDArray[np.int64],
    out: Path,
    *,
    endpoints: NDArray[np.int64] | None = None,
    everywhere: bool = False,
    threads: int = 1,
) -> None:
    """Write what a part predicts for the molecules it was not trained on.

    Args:
        fitted: The part.
        data: Curated molecules.
        held_out: Rows it has not seen.
        out: safetensors file: ``rows`` [n], ``outputs`` [n, members, endpoints] in half precision (1e-3 of a logit; NaN
            where a member does not predict an endpoint),
            and with ``everywhere`` also the members' mean for all molecules [molecules, endpoints].
        endpoints: Places of those wanted; None for all.
        everywhere: Whether a student will be taught from it.
        threads: CPU threads.

    """
    outputs = fitted.outputs(data, held_out, threads).astype(np.float16)
    wanted = outputs if endpoints is None else np.ascontiguousarray(outputs[:, :, endpoints])
    tensors: dict[str, NDArray[Any]] = {"rows": held_out, "outputs": wanted}
    if everywhere:
        tensors["everywhere"] = _everywhere(fitted, data, threads).astype(np.float16)
    with replacing(out) as temporary:
        save_file(tensors, temporary)
