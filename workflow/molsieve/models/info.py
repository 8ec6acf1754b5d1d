"""What a model is and how good: the metadata beside its weights."""

import difflib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from molsieve.errors import MolsieveError
from molsieve.models.endpoints import Endpoint
from molsieve.models.network import NetworkShape


class Scale(BaseModel):
    """Mean and standard deviation by which a regression was standardised."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mean: float
    sd: float


class Domain(BaseModel):
    """Applicability domain: what share of its Morgan ids may be unknown to the training data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_unseen_fraction: float
    statistics: dict[str, Any]
    """Error by bin on out-of-fold predictions, from which the limit was derived."""


class NetworkFacts(BaseModel):
    """One network of a model: its sizes, and which descriptors it sees."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shape: NetworkShape
    fingerprints: tuple[str, ...]
    """Kinds of fingerprint whose ids it has vectors for."""
    descriptors: tuple[int, ...]
    """Columns of the features' descriptors that it sees."""
    endpoints: tuple[int, ...] = ()
    """Places of the model's endpoints that it predicts; none named: all."""
    learned: tuple[str, ...] = ()
    """Families of endpoints whose labels it was trained on; none named: all."""


class ModelInfo(BaseModel):
    """Everything about a model but its weights and its trust; ``model.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    name: str
    tier: Literal["triage", "refine"]
    created: str
    """UTC, ISO 8601."""
    endpoints: tuple[Endpoint, ...]
    features: Literal["morgan", "rich", "graph"]
    """Which features it takes: those of the prepared table, ``models.rich_features``, or the structure itself."""
    descriptors: tuple[str, ...]
    """Names of the features' descriptors."""
    networks: tuple[NetworkFacts, ...]
    has_boosters: bool
    has_read_across: bool = False
    """Whether the measured labels of the nearest training molecules are a part of it (``models.read_across``)."""
    read_across_prior: float = 0.0
    """Weight of the mean label beside theirs; its calibration was fitted with it."""
    stack: dict[str, tuple[float, ...]]
    """Weight of each network, then of the boosters, then of read-across for each endpoint; they sum to 1."""
    standardise_digest: str
    rdkit_version: str
    datasets: tuple[dict[str, Any], ...]
    curation: dict[str, Any]
    splits: dict[str, Any]
    training: dict[str, Any]
    scales: dict[str, Scale]
    """Of each regression endpoint."""
    domain: Domain
    metrics: dict[str, Any]

    @property
    def is_regression(self) -> list[bool]:
        """Of each endpoint, in order."""
        return [e.is_regression for e in self.endpoints]

    @property
    def training_is_known(self) -> bool:
        """Whether the molecules it was trained on are known; those of a chemprop network are not."""
        return self.features != "graph"

    def endpoint_index(self, name: str) -> int:
        """Place of an endpoint.

        Raises:
            MolsieveError: The model does not have it.

        """
        names = [e.name for e in self.endpoints]
        if name not in names:
            near = [n for n in names if n in name or name in n] or difflib.get_close_matches(name, names, cutoff=0.6)
            hint = f"Did you mean {' or '.join(near[:3])}? " if near else ""
            raise MolsieveError(
                f"The model {self.name} has no endpoint '{name}'.",
                fix=f"{hint}`molsieve models show {self.name}` lists all {len(names)}.",
            )
        return names.index(name)
