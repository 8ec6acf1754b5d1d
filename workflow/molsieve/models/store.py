"""A trained model on disk. No pickle is ever read.

``model.safetensors`` (networks, trees, training record), ``model.json`` (what it is and how good), ``trust.json``
(calibration, conformal scores, intervals), ``MODEL_CARD.md`` and ``model_card.json`` for people and regulators, and
``checksums.sha256`` over all of them: a changed byte is refused.
"""

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rdkit
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError

from molsieve.chemistry import standardise
from molsieve.errors import MolsieveError
from molsieve.files import replacing, write_text
from molsieve.models.boosters import Boosters
from molsieve.models.calibration import CalibrationTable
from molsieve.models.endpoints import INFO, Endpoint
from molsieve.models.features import SparseFeatures
from molsieve.models.fingerprint_set import FoldedBits
from molsieve.models.network import UNKNOWN_ROW, NetworkShape, SparseNetwork, network_outputs
from molsieve.models.packing import pack, unpack
from molsieve.models.read_across import read_across
from molsieve.models.record import TrainingRecord
from molsieve.models.trust import TRUST, Trust, read_trust
from molsieve.models.vocabulary import Vocabulary

WEIGHTS = "model.safetensors"
CARD = "MODEL_CARD.md"
CARD_JSON = "model_card.json"
CHECKSUMS = "checksums.sha256"
FORMAT = 3

_LEVELS = 7
"""Steps of a stored weight to either side of zero."""

Tensors = dict[str, NDArray[Any]]


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


def pack_network(network: SparseNetwork) -> Tensors:
    """Weights as they are stored: the embedding in 4 bits with a scale for each id and member, the rest in float32.

    The rounding moves a prediction by far less than the members disagree (a test says how much less).
    """
    shape = network.shape
    tensors = {name: t.detach().cpu().numpy().copy() for name, t in network.state_dict().items()}
    table = tensors.pop("embedding").reshape(shape.rows, shape.members, shape.width)
    scale = (np.abs(table).max(axis=2, keepdims=True).astype(np.float32) / _LEVELS).astype(np.float16)
    scale = np.maximum(scale, np.float16(6e-8))
    levels = np.clip(np.rint(table / scale.astype(np.float32)), -_LEVELS, _LEVELS).astype(np.int8) + _LEVELS
    pairs = levels.astype(np.uint8).reshape(shape.rows, -1, 2)
    return tensors | {"embedding_pairs": pairs[:, :, 0] | pairs[:, :, 1] << 4, "embedding_scale": scale[:, :, 0]}


def unpack_network(tensors: Mapping[str, NDArray[Any]], shape: NetworkShape) -> SparseNetwork:
    """Network with the stored weights, in float32."""
    network = SparseNetwork(shape)
    pairs = tensors["embedding_pairs"]
    levels = np.stack([pairs & 15, pairs >> 4], axis=2).reshape(shape.rows, shape.members, shape.width)
    scale = tensors["embedding_scale"].astype(np.float32)
    table = (levels.astype(np.float32) - _LEVELS) * scale[:, :, None]
    table[UNKNOWN_ROW] = 0.0
    state = {name: torch.from_numpy(tensors[name]) for name in network.state_dict() if name != "embedding"}
    network.load_state_dict(state | {"embedding": torch.from_numpy(table.reshape(shape.rows, -1))})
    return network.eval()


def as_stored(network: SparseNetwork) -> SparseNetwork:
    """Network as it will be after saving and loading; what is evaluated is what ships."""
    return unpack_network(pack_network(network), network.shape)


def weights_bytes(networks: Sequence[NetworkPart], boosters: Boosters | None, record: TrainingRecord) -> bytes:
    """Content of ``model.safetensors``."""
    tensors: Tensors = record.tensors() | (boosters.tensors() if boosters else {})
    for i, part in enumerate(networks):
        kept = pack_network(part.network) | {"vocabulary_ids": part.vocabulary.ids}
        tensors |= {f"network{i}.{name}": tensor for name, tensor in kept.items()}
    return pack(tensors)


def save_model(folder: Path, info: ModelInfo, trust: Trust, weights: bytes, card: str, card_json: str) -> None:
    """Write a model directory; the checksums last, so that a folder without them is not a model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CHECKSUMS).unlink(missing_ok=True)
    with replacing(folder / WEIGHTS) as temporary:
        temporary.write_bytes(weights)
    write_text(folder / CARD, card)
    write_text(folder / CARD_JSON, card_json)
    write_text(folder / TRUST, trust.model_dump_json() + "\n")
    write_text(folder / INFO, info.model_dump_json(indent=1) + "\n")
    write_checksums(folder)


def write_checksums(folder: Path) -> None:
    """Digests of all files of a model, in the form of ``sha256sum``."""
    write_text(folder / CHECKSUMS, _listed({name: _sha256(folder / name) for name in _FILES}))


_FILES = (INFO, TRUST, WEIGHTS, CARD, CARD_JSON)


def _listed(digests: Mapping[str, str]) -> str:
    return "".join(f"{digest}  {name}\n" for name, digest in digests.items())


def verify(folder: Path) -> None:
    """Check every byte of a model directory.

    Raises:
        MolsieveError: There is no model, or a file is missing, was changed or is damaged.

    """
    try:
        listed = (folder / CHECKSUMS).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MolsieveError(
            f"There is no model here: {CHECKSUMS} cannot be read.",
            where=str(folder),
            fix="Give triage, refine, or the folder of a trained model.",
        ) from error
    found = {}
    for name in _FILES:
        try:
            found[name] = _sha256(folder / name)
        except OSError as error:
            raise MolsieveError(f"The model's file {name} is missing.", where=str(folder)) from error
    if listed != _listed(found):
        changed = next((name for name, digest in found.items() if f"{digest}  {name}\n" not in listed), CHECKSUMS)
        raise MolsieveError(
            f"The model's file {changed} was changed or damaged: {CHECKSUMS} does not list it as it is.",
            where=str(folder),
            fix="Get the model again; nothing was predicted with it.",
        )


def read_info(folder: Path) -> ModelInfo:
    """Metadata of a model.

    Raises:
        MolsieveError: There is no model in the folder, or it is of another format.

    """
    path = folder / INFO
    try:
        content = path.read_bytes()
        found = json.loads(content).get("format")
    except (OSError, ValueError, AttributeError) as error:
        raise MolsieveError(
            "There is no model here: model.json cannot be read.",
            where=str(folder),
            fix="Give triage, refine, or the folder of a trained model.",
        ) from error
    if found != FORMAT:
        raise MolsieveError(f"The model has format {found}, this program reads {FORMAT}.", where=str(path))
    try:
        return ModelInfo.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise MolsieveError(
            f"The model's metadata is not readable at {key}: {first['msg']}.", where=str(path)
        ) from error


def models_sha256(folder: Path) -> str:
    """Digest of a model for provenance: changes with any byte of it."""
    return _sha256(folder / CHECKSUMS)


def load_model(folder: Path, device: str = "cpu") -> Model:
    """Load and verify a model.

    Args:
        folder: Model directory.
        device: Torch device for the networks.

    Raises:
        MolsieveError: A file was changed, or the model was trained with another standardisation or RDKit release,
            under which fingerprints and parents may differ.

    """
    verify(folder)
    info = read_info(folder)
    check_chemistry(info, folder)
    tensors = _tensors(folder / WEIGHTS)
    networks = []
    for i, facts in enumerate(info.networks):
        prefix = f"network{i}."
        own = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        predicts = None
        if facts.endpoints:
            predicts = np.isin(np.arange(len(info.endpoints)), facts.endpoints)
        networks.append(
            NetworkPart(
                unpack_network(own, facts.shape),
                Vocabulary(own["vocabulary_ids"]),
                np.array(facts.descriptors, dtype=np.int64),
                predicts,
            )
        )
    boosters = Boosters.from_tensors(tensors) if info.has_boosters else None
    return Model(info, read_trust(folder), networks, boosters, TrainingRecord.from_tensors(tensors), device)


def load_record(folder: Path) -> TrainingRecord:
    """Training record of a model, without its networks."""
    verify(folder)
    return TrainingRecord.from_tensors(_tensors(folder / WEIGHTS))


def _tensors(path: Path) -> Tensors:
    try:
        return unpack(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise MolsieveError(f"The model's weights cannot be read: {error}", where=str(path)) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_chemistry(info: ModelInfo, path: Path) -> None:
    """Refuse a model whose molecules were standardised or fingerprinted in another way."""
    current = standardise.digest(standardise.StandardiseOptions())
    if info.standardise_digest != current:
        raise MolsieveError(
            f"The model was trained on molecules standardised in another way ({info.standardise_digest}; this program: "
            f"{current}).",
            where=str(path),
            fix="Use the model shipped with this version, or train it again (docs/models.md).",
        )
    if _release(info.rdkit_version) != _release(rdkit.__version__):
        raise MolsieveError(
            f"The model was trained with RDKit {info.rdkit_version}; RDKit {rdkit.__version__} may give other "
            "fingerprints.",
            where=str(path),
            fix=f"Install rdkit {info.rdkit_version}, or train the model again.",
        )


def _release(version: str) -> tuple[str, ...]:
    return tuple(version.split(".")[:2])
