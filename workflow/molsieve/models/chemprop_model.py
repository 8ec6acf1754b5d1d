"""A chemprop network as a model of the tier ``refine``: it takes the parents themselves instead of fingerprints.

    model = load_chemprop_model(Path("models/our_gnn"))
    predictions = predict(model, Parents(["CCO", "c1ccccc1O"]), conformal_error=0.2)

In its directory are safetensors and JSON only, as in that of any other model; the checkpoint is not needed any more.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load, save

from molsieve.errors import MolsieveError
from molsieve.models.chemprop_checkpoint import Checkpoint
from molsieve.models.chemprop_environments import GraphEnvironments
from molsieve.models.chemprop_graph import Graphs, graphs_of, scheme_of
from molsieve.models.chemprop_network import GraphNetwork, GraphNetworkFacts
from molsieve.models.info import ModelInfo
from molsieve.models.model import Model
from molsieve.models.record import TrainingRecord
from molsieve.models.store import WEIGHTS, check_chemistry, verify
from molsieve.models.trust import Trust, read_trust

_PREFIX = "chemprop."
_FACTS = "chemprop"
_BATCH_ROWS = 256


class Parents(NamedTuple):
    """Molecules as ``predict`` takes them, when they are what a model sees."""

    smiles: Sequence[str]

    @property
    def molecules(self) -> int:
        """Number of molecules."""
        return len(self.smiles)

    def slice(self, start: int, stop: int) -> "Parents":
        """Consecutive molecules."""
        return Parents(self.smiles[start:stop])


class GraphModelInfo(ModelInfo):
    """``model.json`` of a model that sees molecules as graphs; what its network is stands in ``training``."""

    features: Literal["graph"]

    @property
    def facts(self) -> GraphNetworkFacts:
        """What the weights do not say."""
        return GraphNetworkFacts.model_validate(self.training[_FACTS])


class ChempropModel(Model):
    """A chemprop network of one endpoint, ready to predict."""

    def __init__(
        self, info: GraphModelInfo, trust: Trust, network: GraphNetwork, record: TrainingRecord, device: str = "cpu"
    ) -> None:
        super().__init__(info, trust, [], None, record, device)
        self.network = network
        self._scheme = scheme_of(info.facts.atom_features, info.facts.bond_features)

    def outputs(
        self,
        features: Any,  # noqa: ANN401 - Parents or Graphs, where other models take arrays
        neighbours: NDArray[np.float32] | None = None,  # noqa: ARG002 - no such part here
    ) -> torch.Tensor:
        """Logit, or standardised value, of each molecule, on the CPU: [n, 1, 1]."""
        if isinstance(features, Graphs):
            return self.network.outputs(features)[:, None, None]
        return raw_outputs(self.network, features.smiles)[:, None, None]

    def environments(self, parent: str) -> GraphEnvironments:
        """What explanations take apart, of a molecule that RDKit can read."""
        return GraphEnvironments(graphs_of([parent], self._scheme))

    def _member_weights(self) -> torch.Tensor:
        return torch.ones(1, 1)


def raw_outputs(network: GraphNetwork, parents: Sequence[str]) -> torch.Tensor:
    """Logits, or values in the unit of the training data, [molecules]."""
    if not parents:
        return torch.empty(0)
    scheme = scheme_of(network.facts.atom_features, network.facts.bond_features)
    blocks = [parents[i : i + _BATCH_ROWS] for i in range(0, len(parents), _BATCH_ROWS)]
    return torch.cat([network.outputs(graphs_of(block, scheme)) for block in blocks])


def chemprop_weights(checkpoint: Checkpoint, record: TrainingRecord) -> bytes:
    """Content of ``model.safetensors``."""
    tensors: dict[str, NDArray[Any]] = {_PREFIX + n: t.numpy() for n, t in checkpoint.weights.items()}
    content: bytes = save({n: np.ascontiguousarray(a) for n, a in (tensors | record.tensors()).items()})
    return content


def facts_entry(facts: GraphNetworkFacts) -> dict[str, Any]:
    """Entry of ``ModelInfo.training`` that the network is rebuilt from."""
    return {_FACTS: facts.model_dump()}


def is_chemprop_model(folder: Path) -> bool:
    """Whether a model directory holds a graph network; reads no weights."""
    try:
        return bool(json.loads((folder / "model.json").read_bytes()).get("features") == "graph")
    except (OSError, ValueError, AttributeError):
        return False


def load_chemprop_model(folder: Path, device: str = "cpu") -> ChempropModel:
    """Load and verify a model written by ``molsieve models add-chemprop``.

    Args:
        folder: Model directory.
        device: Accepted for the likeness to ``load_model``; graph networks run on the CPU.

    Raises:
        MolsieveError: A file was changed, or the model is of another kind or was made with another standardisation.

    """
    verify(folder)
    if not is_chemprop_model(folder):
        raise MolsieveError("This model is no graph network.", where=str(folder))
    info = GraphModelInfo.model_validate_json((folder / "model.json").read_bytes())
    check_chemistry(info, folder)
    tensors = load((folder / WEIGHTS).read_bytes())
    weights = {n.removeprefix(_PREFIX): torch.from_numpy(a) for n, a in tensors.items() if n.startswith(_PREFIX)}
    network = GraphNetwork(info.facts, weights)
    return ChempropModel(info, read_trust(folder), network, TrainingRecord.from_tensors(tensors), device)
