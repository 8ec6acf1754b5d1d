"""A trained model on disk. No pickle is ever read.

``model.safetensors`` (networks, trees, training record), ``model.json`` (what it is and how good), ``trust.json``
(calibration, conformal scores, intervals), ``MODEL_CARD.md`` and ``model_card.json`` for people and regulators, and
``checksums.sha256`` over all of them: a changed byte is refused.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import rdkit
from pydantic import ValidationError
from safetensors import SafetensorError

from molsieve.chemistry import standardise
from molsieve.errors import MolsieveError
from molsieve.files import replacing, write_text
from molsieve.models.boosters import Boosters
from molsieve.models.endpoints import INFO
from molsieve.models.info import ModelInfo
from molsieve.models.model import Model, NetworkPart
from molsieve.models.packing import pack, unpack
from molsieve.models.record import TrainingRecord
from molsieve.models.stored_network import Tensors, pack_network, unpack_network
from molsieve.models.trust import TRUST, Trust, read_trust
from molsieve.models.vocabulary import Vocabulary

WEIGHTS = "model.safetensors"
CARD = "MODEL_CARD.md"
CARD_JSON = "model_card.json"
CHECKSUMS = "checksums.sha256"
FORMAT = 3


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
        MolsieveError: A file was changed, the model was trained with another standardisation or RDKit release, under
            which fingerprints and parents may differ, or it is a chemprop network (``kinds.load_any_model``).

    """
    verify(folder)
    info = read_info(folder)
    if info.features == "graph":
        raise MolsieveError(
            f"{info.name} is a chemprop network; here a model is needed whose network sees fingerprints.",
            where=str(folder),
            fix="Give triage, refine, or a model that 'molsieve models train' made.",
        )
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
