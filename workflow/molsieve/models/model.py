"""A model in memory: networks, trees and training record, put together endpoint by endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from molsieve.models.boosters import Boosters
from molsieve.models.calibration import CalibrationTable
from molsieve.models.endpoints import Endpoint
from molsieve.models.features import SparseFeatures
from molsieve.models.fingerprint_set import FoldedBits
from molsieve.models.info import ModelInfo
from molsieve.models.network import SparseNetwork, network_outputs
from molsieve.models.read_across import read_across
from molsieve.models.record import TrainingRecord
from molsieve.models.trust import Trust
from molsieve.models.vocabulary import Vocabulary


@dataclass(frozen=True)
class NetworkPart:
    """A network with the ids it knows, the descriptors it sees and the endpoints it predicts."""

    network: SparseNetwork
    vocabulary: Vocabulary
    descriptors: NDArray[np.int64]
    predicts: NDArray[np.bool_] | None = None
    """Which of the model's endpoints, [endpoints]; None: all."""

    def outputs(self, features: SparseFeatures, device: str = "cpu", batch_size: int = 8192) -> torch.Tensor:
        """Compute logits, or standardised values for regression, of every member.

        Returns:
            [n, members, endpoints], NaN for endpoints that this network does not predict.

        """
        rows = self.vocabulary.rows_of(features.ids)
        seen = features._replace(descriptors=np.ascontiguousarray(features.descriptors[:, self.descriptors]))
        own = network_outputs(self.network, seen, rows, batch_size=batch_size, device=device)
        if self.predicts is None:
            return own
        outputs = torch.full((*own.shape[:2], len(self.predicts)), torch.nan)
        outputs[:, :, torch.from_numpy(self.predicts)] = own
        return outputs


class Model:
    """A model ready to predict."""

    def __init__(
        self,
        info: ModelInfo,
        trust: Trust,
        networks: Sequence[NetworkPart],
        boosters: Boosters | None,
        record: TrainingRecord,
        device: str = "cpu",
    ) -> None:
        self.info = info
        self.trust = trust
        self.networks = list(networks)
        for part in self.networks:
            part.network.eval().to(device)
        self.boosters = boosters
        self.record = record
        self.device = device
        classification = [e for e in info.endpoints if not e.is_regression]
        self.calibration = CalibrationTable([trust.calibrations[e.name] for e in classification], device)
        self.member_weights = self._member_weights()
        self.spread_weights = self._spread_weights()

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Endpoints in the order of the columns."""
        return self.info.endpoints

    def neighbours(self, morgan: SparseFeatures, endpoints: Sequence[int] | None = None) -> NDArray[np.float32] | None:
        """Logits of the nearest labelled training molecules, which ``outputs`` takes beside the features.

        Args:
            morgan: Molecules with Morgan ids only; the features of this model may not tell which ids these are.
            endpoints: Places of those wanted; None for all.

        Returns:
            [n, endpoints], NaN for regressions; None when read-across is no part of the model.

        """
        if not self.info.has_read_across:
            return None
        places = range(len(self.endpoints)) if endpoints is None else endpoints
        classes = [column for column, i in enumerate(places) if not self.endpoints[i].is_regression]
        found = np.full((morgan.molecules, len(places)), np.nan, dtype=np.float32)
        asked = [places[c] for c in classes]
        bits = FoldedBits.of_features(morgan)
        found[:, classes] = read_across(bits, self.record, asked, self.info.read_across_prior)
        return found

    def outputs(self, features: SparseFeatures, neighbours: NDArray[np.float32] | None = None) -> torch.Tensor:
        """Compute logits, or standardised values for regression, of every member, on the CPU: [n, members, endpoints].

        Members are those of the networks, one network after the other, then the boosters as one member, then
        read-across as one (0 where a part does not predict an endpoint; its weight is 0 too).

        Args:
            features: The features the model takes.
            neighbours: ``neighbours`` of the same molecules, all endpoints.

        Raises:
            ValueError: Neighbours are given to a model without read-across, or not given to one with it.

        """
        if (neighbours is not None) != self.info.has_read_across:
            raise ValueError(f"{self.info.name}: neighbours belong to models with read-across, and to all of these.")
        parts = [part.outputs(features, self.device, max(features.molecules, 1)) for part in self.networks]
        if self.boosters is not None:
            names = [e.name for e in self.endpoints]
            found = self.boosters.outputs(features, names, torch.get_num_threads())
            parts.append(torch.from_numpy(found)[:, None, :])
        if neighbours is not None:
            parts.append(torch.from_numpy(neighbours)[:, None, :])
        return torch.cat(parts, dim=1).nan_to_num(nan=0.0)

    def _member_weights(self) -> torch.Tensor:
        """Weight of each member for each endpoint, [members, endpoints]; each column sums to 1."""
        single = self.info.has_boosters + self.info.has_read_across
        sizes = [facts.shape.members for facts in self.info.networks] + [1] * single
        columns = []
        for endpoint in self.endpoints:
            weights = self.info.stack[endpoint.name]
            columns.append([w / size for w, size in zip(weights, sizes, strict=True) for _ in range(size)])
        return torch.tensor(columns, dtype=torch.float32).T.contiguous()

    def _spread_weights(self) -> torch.Tensor:
        """Weights without read-across: where neighbours disagree with the ensemble, its members need not disagree."""
        if not self.info.has_read_across:
            return self.member_weights
        trained = self.member_weights.clone()
        trained[-1] = 0.0
        return trained / trained.sum(dim=0)
