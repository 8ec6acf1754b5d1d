"""The parts a reference model is a stack of, and the triage network taught by them.

Each part is trained on its own: a network on Morgan ids (``morgan``), a network on two kinds of fingerprints and many
descriptors (``rich``), and gradient-boosted trees on the latter (``boosters``). The shipped triage network
(``student``) sees Morgan ids only and learns, where nothing was measured, from the stack.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from molsieve.files import replacing
from molsieve.models.boosters import Boosters
from molsieve.models.network import NetworkShape
from molsieve.models.store import NetworkPart, pack_network, unpack_network
from molsieve.models.vocabulary import Vocabulary
from molsieve.training.boosting import fit_boosters
from molsieve.training.data import TrainingData
from molsieve.training.fit import Progress, Scaling, SoftTargets, TrainOptions, fit_network

Component = Literal["morgan", "rich", "boosters", "student"]
STACKED: tuple[Component, ...] = ("morgan", "rich", "boosters")
"""The parts of a reference model, in the order of ``ModelInfo.stack``."""

FEATURES: dict[Component, str] = {"morgan": "morgan", "rich": "rich", "boosters": "rich", "student": "morgan"}
# A cell the teacher filled counts this much of a measured one; most cells are filled, so it is small.
SOFT_WEIGHT = 0.1


@dataclass(frozen=True)
class FittedComponent:
    """A trained part, and what its outputs mean."""

    component: Component
    part: NetworkPart | Boosters
    scaling: Scaling
    seconds: float

    def outputs(self, data: TrainingData, rows: NDArray[np.int64], threads: int) -> NDArray[np.float32]:
        """Logits, or values in the endpoint's unit, of every member: [rows, members, endpoints]."""
        features = data.features(FEATURES[self.component]).take(rows)
        if isinstance(self.part, Boosters):
            names = [e.name for e in data.endpoints]
            outputs = self.part.outputs(features, names, threads)[:, None, :]
        else:
            outputs = self.part.outputs(features).numpy()
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
        soft: For the student: the stack's logits and values for all molecules, [molecules, endpoints].
        progress: Called with steps done and steps in all.

    """
    started = time.perf_counter()
    torch.set_num_threads(threads)
    features = data.features(FEATURES[component]).take(rows)
    scaling = Scaling.of(data.targets[rows], data.is_regression)
    targets = scaling.standardised(data.targets[rows])
    part: NetworkPart | Boosters
    if component == "boosters":
        names = [e.name for e in data.endpoints]
        part = fit_boosters(features, targets, data.is_regression, names, seed, threads=threads, progress=progress)
    else:
        taught = None if soft is None else SoftTargets(_soft(soft[rows], scaling, data.is_regression), SOFT_WEIGHT)
        part = fit_network(features, targets, data.is_regression, options, seed, soft=taught, progress=progress)
    return FittedComponent(component, part, scaling, round(time.perf_counter() - started, 1))


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
        shape = fitted.part.network.shape
        sizes = (shape.rows, shape.descriptors, shape.members, shape.width, shape.hidden, shape.endpoints)
        tensors |= pack_network(fitted.part.network) | {
            "vocabulary_ids": fitted.part.vocabulary.ids,
            "shape": np.array(sizes),
        }
    with replacing(out) as temporary:
        save_file(tensors, temporary)


def load_component(component: Component, path: Path) -> FittedComponent:
    """Part written by ``save_component``."""
    tensors = load_file(path)
    scaling = Scaling(tensors.pop("scaling_mean"), tensors.pop("scaling_sd"))
    seconds = float(tensors.pop("seconds")[0])
    part: NetworkPart | Boosters | None
    if component == "boosters":
        part = Boosters.from_tensors(tensors) or Boosters({})
    else:
        shape = NetworkShape(*(int(size) for size in tensors.pop("shape")))
        vocabulary = Vocabulary(tensors.pop("vocabulary_ids"))
        part = NetworkPart(unpack_network(tensors, shape), vocabulary, np.arange(shape.descriptors))
    return FittedComponent(component, part, scaling, seconds)


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
    means = [fitted.outputs(data, block, threads).mean(axis=1) for block in blocks]
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
        out: safetensors file: ``rows`` [n], ``outputs`` [n, members, endpoints] in half precision (1e-3 of a logit),
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
