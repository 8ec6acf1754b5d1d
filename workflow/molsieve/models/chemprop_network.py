"""The forward pass of chemprop 2's message-passing networks, from their weights.

Written out because chemprop itself can only be installed with another RDKit release than the one the shipped models are
bound to. Reference: Heid et al., doi:10.1021/acs.jcim.3c01250.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's customary name

from molsieve.errors import MolsieveError
from molsieve.models.chemprop_graph import Graphs

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "leakyrelu": lambda x: F.leaky_relu(x, 0.1),
    "tanh": torch.tanh,
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
}
MESSAGE_PASSING = ("BondMessagePassing", "AtomMessagePassing")
AGGREGATIONS = ("MeanAggregation", "SumAggregation", "NormAggregation", "AttentiveAggregation")
PREDICTORS: dict[str, Literal["classification", "regression"]] = {
    "BinaryClassificationFFN": "classification",
    "RegressionFFN": "regression",
}
"""Kinds of output layer, and the task each is for."""

_BATCH_NORM_EPSILON = 1e-5


class GraphNetworkFacts(BaseModel):
    """What the weights do not say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    message_passing: str
    """One of ``MESSAGE_PASSING``."""
    depth: int
    undirected: bool
    activation: str
    """Of the message passing, one of ``ACTIVATIONS``."""
    aggregation: str
    """One of ``AGGREGATIONS``."""
    norm: float
    predictor: str
    """One of ``PREDICTORS``."""
    predictor_activation: str
    column: int
    """Which of the network's outputs is the endpoint."""
    atom_features: int
    bond_features: int


class GraphNetwork:
    """A trained network; its weights are named as in chemprop's state dict.

    Raises:
        MolsieveError: Weights are missing or do not fit together.

    """

    def __init__(self, facts: GraphNetworkFacts, weights: Mapping[str, Tensor], device: str = "cpu") -> None:
        self.facts = facts
        self.weights = {name: tensor.to(device, torch.float32) for name, tensor in weights.items()}
        self._layers = sorted(
            {name.rsplit(".", 1)[0] for name in weights if name.startswith("predictor.ffn.")},
            key=lambda name: int(name.split(".")[2]),
        )
        missing = [name for name in ("message_passing.W_i.weight", "message_passing.W_h.weight") if name not in weights]
        if missing or not self._layers:
            raise MolsieveError(f"The checkpoint lacks weights: {', '.join(missing) or 'predictor.ffn'}.")

    def outputs(self, graphs: Graphs) -> Tensor:
        """Logit, or value in the unit of the training data, of each molecule, [molecules]."""
        with torch.inference_mode():
            atoms = self._messages(graphs)
            molecules = self._normalised(self._aggregated(atoms, graphs))
            found = self._predicted(molecules)
        return found[:, self.facts.column]

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def _messages(self, graphs: Graphs) -> Tensor:
        """Hidden vector of each atom, [atoms, hidden]."""
        activate = ACTIVATIONS[self.facts.activation]
        by_bond = self.facts.message_passing == "BondMessagePassing"
        begin = graphs.atoms[graphs.source]
        start = self._linear(torch.cat([begin, graphs.bonds], dim=1) if by_bond else begin, "message_passing.W_i")
        hidden = activate(start)
        for _ in range(1, self.facts.depth):
            if self.facts.undirected:
                hidden = (hidden + hidden[graphs.reverse]) / 2
            sent = hidden if by_bond else torch.cat([hidden, graphs.bonds], dim=1)
            message = _sums(sent, graphs.target, len(graphs.atoms))[graphs.source]
            if by_bond:
                message = message - hidden[graphs.reverse]
            hidden = activate(start + self._linear(message, "message_passing.W_h"))
        received = _sums(hidden, graphs.target, len(graphs.atoms))
        return activate(self._linear(torch.cat([graphs.atoms, received], dim=1), "message_passing.W_o"))

    def _aggregated(self, atoms: Tensor, graphs: Graphs) -> Tensor:
        """Vector of each molecule, [molecules, hidden]."""
        kind = self.facts.aggregation
        if kind == "AttentiveAggregation":
            attention = self._linear(atoms, "agg.W").exp()
            atoms = atoms * attention / _sums(attention, graphs.molecule, graphs.molecules)[graphs.molecule]
        found = _sums(atoms, graphs.molecule, graphs.molecules)
        if kind == "MeanAggregation":
            sizes = torch.bincount(graphs.molecule, minlength=graphs.molecules).clamp(min=1)
            return found / sizes[:, None]
        return found / self.facts.norm if kind == "NormAggregation" else found

    def _normalised(self, molecules: Tensor) -> Tensor:
        if "bn.running_mean" not in self.weights:
            return molecules
        mean, variance = self.weights["bn.running_mean"], self.weights["bn.running_var"]
        weight, bias = self.weights.get("bn.weight"), self.weights.get("bn.bias")
        return F.batch_norm(molecules, mean, variance, weight, bias, training=False, eps=_BATCH_NORM_EPSILON)

    def _predicted(self, x: Tensor) -> Tensor:
        activate = ACTIVATIONS[self.facts.predictor_activation]
        for i, layer in enumerate(self._layers):
            x = self._linear(activate(x) if i else x, layer)
        scale = self.weights.get("predictor.output_transform.scale")
        return x if scale is None else x * scale + self.weights["predictor.output_transform.mean"]


def _sums(values: Tensor, index: Tensor, size: int) -> Tensor:
    """Sum of the rows that share an index, [size, width]."""
    return torch.zeros(size, values.shape[1], dtype=values.dtype).index_add_(0, index, values)
