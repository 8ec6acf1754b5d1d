"""A trained model on disk: ``model.safetensors``, ``model.json``, ``MODEL_CARD.md``. No pickle is ever read."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import rdkit
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from molsieve.chemistry import standardise
from molsieve.errors import MolsieveError
from molsieve.files import replacing, write_text
from molsieve.models.calibration import Calibration, CalibrationTable, Interval
from molsieve.models.endpoints import INFO, Endpoint
from molsieve.models.network import UNKNOWN_ROW, NetworkShape, TriageNetwork
from molsieve.models.vocabulary import Vocabulary

WEIGHTS = "model.safetensors"
CARD = "MODEL_CARD.md"
FORMAT = 1


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


class ModelInfo(BaseModel):
    """Everything about a model but its weights; ``model.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    name: str
    created: str
    """UTC, ISO 8601."""
    endpoints: tuple[Endpoint, ...]
    shape: dict[str, int]
    features: dict[str, Any]
    standardise_digest: str
    rdkit_version: str
    weights_sha256: str
    datasets: tuple[dict[str, Any], ...]
    curation: dict[str, Any]
    splits: dict[str, Any]
    training: dict[str, Any]
    scales: dict[str, Scale]
    """Of each regression endpoint."""
    calibrations: dict[str, Calibration]
    """Of each classification endpoint."""
    intervals: dict[str, Interval]
    """Of each regression endpoint."""
    domain: Domain
    metrics: dict[str, Any]

    @cached_property
    def is_regression(self) -> list[bool]:
        """Of each endpoint, in order."""
        return [e.is_regression for e in self.endpoints]


@dataclass(frozen=True)
class TrainingRecord:
    """What a model keeps of its training molecules: enough for domain and leaks, no structures."""

    vocabulary: Vocabulary
    connectivity_hashes: NDArray[np.uint64]
    """``connectivity_hash`` of every training molecule, ascending."""
    activity_bits: NDArray[np.uint16]
    """Set bits (0-2047) of the folded fingerprints of the molecules with an activity label, one after the other."""
    activity_offsets: NDArray[np.int32]
    """Molecule i has ``activity_bits[activity_offsets[i]:activity_offsets[i + 1]]``."""


class TriageModel:
    """A model ready to predict."""

    def __init__(self, info: ModelInfo, network: TriageNetwork, record: TrainingRecord, device: str = "cpu") -> None:
        self.info = info
        self.network = network.eval().to(device)
        self.record = record
        self.device = device
        classification = [e for e in info.endpoints if not e.is_regression]
        self.calibration = CalibrationTable([info.calibrations[e.name] for e in classification], device)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Endpoints in the order of the columns."""
        return self.info.endpoints


def connectivity_hash(connectivity: str) -> int:
    """64-bit hash of the first block of an InChIKey."""
    return int.from_bytes(hashlib.blake2b(connectivity.encode(), digest_size=8).digest(), "little")


def pack_weights(network: TriageNetwork) -> dict[str, NDArray[Any]]:
    """Weights as they are stored: the embedding in 8 bits with a scale for each id and member, the rest in float32."""
    shape = network.shape
    tensors = {name: t.detach().cpu().numpy().copy() for name, t in network.state_dict().items()}
    table = tensors.pop("embedding").reshape(shape.rows, shape.members, shape.width)
    scale = np.abs(table).max(axis=2, keepdims=True).astype(np.float32) / 127.0
    scale = np.maximum(scale.astype(np.float16), np.float16(6e-8))
    quantised = np.clip(np.rint(table / scale.astype(np.float32)), -127, 127).astype(np.int8)
    return tensors | {"embedding_int8": quantised, "embedding_scale": scale[:, :, 0]}


def unpack_weights(tensors: dict[str, NDArray[Any]], shape: NetworkShape) -> TriageNetwork:
    """Network with the stored weights, in float32."""
    network = TriageNetwork(shape)
    table = tensors["embedding_int8"].astype(np.float32) * tensors["embedding_scale"].astype(np.float32)[:, :, None]
    table[UNKNOWN_ROW] = 0.0
    state = {name: torch.from_numpy(tensors[name]) for name in network.state_dict() if name != "embedding"}
    network.load_state_dict(state | {"embedding": torch.from_numpy(table.reshape(shape.rows, -1))})
    return network.eval()


def as_stored(network: TriageNetwork) -> TriageNetwork:
    """Network as it will be after saving and loading; what is evaluated is what ships."""
    return unpack_weights(pack_weights(network), network.shape)


def weights_bytes(network: TriageNetwork, record: TrainingRecord) -> bytes:
    """Content of ``model.safetensors``."""
    kept: dict[str, NDArray[Any]] = {
        "vocabulary_ids": record.vocabulary.ids,
        "vocabulary_rows": record.vocabulary.rows,
        "training_connectivity_hashes": record.connectivity_hashes,
        "activity_bits": record.activity_bits,
        "activity_offsets": record.activity_offsets,
    }
    content: bytes = save(pack_weights(network) | kept)
    return content


def save_triage_model(folder: Path, info: ModelInfo, weights: bytes, card: str) -> None:
    """Write the three files; ``model.json`` last, so that a folder without it is not a model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INFO).unlink(missing_ok=True)
    with replacing(folder / WEIGHTS) as temporary:
        temporary.write_bytes(weights)
    write_text(folder / CARD, card)
    write_text(folder / INFO, info.model_dump_json(indent=1) + "\n")


def read_info(folder: Path) -> ModelInfo:
    """Metadata of a model.

    Raises:
        MolsieveError: There is no model in the folder, or it is of another format.

    """
    path = folder / INFO
    try:
        return ModelInfo.model_validate_json(path.read_bytes())
    except OSError as error:
        raise MolsieveError(
            "There is no model here: model.json cannot be read.",
            where=str(folder),
            fix="Give the folder of a trained model, e.g. resources/models/triage.",
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise MolsieveError(
            f"The model's metadata is not readable at {key}: {first['msg']}.", where=str(path)
        ) from error


def models_sha256(folder: Path) -> str:
    """Digest of a model for provenance: changes with the weights and with the metadata."""
    digest = hashlib.sha256()
    for name in (INFO, WEIGHTS):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def load_triage_model(path: Path, device: str = "cpu") -> TriageModel:
    """Load and verify a model.

    Args:
        path: Model directory.
        device: Torch device for the network.

    Raises:
        MolsieveError: The weights are not those of ``model.json``, or the model was trained with another
            standardisation or RDKit release, under which fingerprints and parents may differ.

    """
    info = read_info(path)
    if info.format != FORMAT:
        raise MolsieveError(f"The model has format {info.format}, this program reads {FORMAT}.", where=str(path))
    _check_chemistry(info, path)
    tensors = _verified(path / WEIGHTS, info.weights_sha256)
    record = TrainingRecord(
        Vocabulary(tensors["vocabulary_ids"], tensors["vocabulary_rows"]),
        tensors["training_connectivity_hashes"],
        tensors["activity_bits"],
        tensors["activity_offsets"],
    )
    return TriageModel(info, unpack_weights(tensors, NetworkShape(**info.shape)), record, device)


def _verified(path: Path, expected: str) -> dict[str, NDArray[Any]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MolsieveError("The model has no weights.", where=str(path)) from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise MolsieveError(
            "The model's weights are not those its metadata describes: the file was changed or damaged.",
            where=str(path),
            fix="Get the model again; nothing was predicted with it.",
        )
    try:
        tensors: dict[str, NDArray[Any]] = load(content)
    except SafetensorError as error:
        raise MolsieveError(f"The model's weights cannot be read: {error}", where=str(path)) from error
    return tensors


def _check_chemistry(info: ModelInfo, path: Path) -> None:
    current = standardise.digest(standardise.StandardiseOptions())
    if info.standardise_digest != current:
        raise MolsieveError(
            f"The model was trained on molecules standardised in another way ({info.standardise_digest}; this program: "
            f"{current}).",
            where=str(path),
            fix="Use the model shipped with this version, or train it again (molsieve training, docs/models.md).",
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
