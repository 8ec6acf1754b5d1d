"""A small model of format 2 whose training molecules are known, and labelled files to test it on."""

from pathlib import Path

import numpy as np
import rdkit
import torch
from rdkit import Chem

from molsieve.chemistry import standardise
from molsieve.models.calibration import Calibration, Interval, grid
from molsieve.models.conformal import ConformalScores
from molsieve.models.endpoints import Endpoint
from molsieve.models.info import Domain, ModelInfo, NetworkFacts, Scale
from molsieve.models.model import NetworkPart
from molsieve.models.network import NetworkShape, SparseNetwork
from molsieve.models.read_across import PRIOR
from molsieve.models.record import TrainingRecord
from molsieve.models.rich_features import rich_features
from molsieve.models.store import FORMAT, save_model, weights_bytes
from molsieve.models.trust import Fitted, Trust
from molsieve.models.vocabulary import Vocabulary

ENDS = ("O", "N", "C(=O)O", "F")


def _molecules(*rings: str) -> list[str]:
    return [Chem.CanonSmiles(f"{ring}{'C' * n}{end}") for ring in rings for n in range(1, 7) for end in ENDS]


KNOWN = _molecules("c1ccccc1", "c1ccncc1")
"""48 training molecules; ``kills`` and ``dose`` have labels for the first 36, ``harms`` for all."""
LABELLED = 36
NEW = _molecules("C1CCCCC1", "c1ccsc1")
"""48 molecules no endpoint was trained on."""

_FACTS = {"description": "Description.", "organism": "E. testii", "positive_means": "dead at 50 uM"}
ENDPOINTS = (
    Endpoint(
        name="kills",
        task="classification",
        family="activity",
        title="Kills",
        dataset="screen",
        n=36,
        n_positive=18,
        **_FACTS,
    ),
    Endpoint(name="harms", task="classification", family="toxicity", title="Harms", n=48, n_positive=24, **_FACTS),
    Endpoint(name="dose", task="regression", family="toxicity", title="Dose", unit="g_per_kg", n=36, **_FACTS),
)
_SUMMARY = {"mean": 0.75, "sd": 0.01, "folds": [0.74, 0.76]}
METRICS = {
    "kills": {
        "scaffold": {
            "n": 36,
            "positives": 18,
            "prevalence": 0.5,
            "model": {"auroc": _SUMMARY, "auprc": _SUMMARY},
            "forest": {"auroc": _SUMMARY | {"mean": 0.7}, "auprc": _SUMMARY},
        },
        "by_similarity": [{"from": 0.0, "to": 0.3, "n": 20, "positives": 9, "model": {"auroc": 0.61, "auprc": 0.5}}],
        "ranking": {"fpr": [1e-4, 1e-3, 0.01, 0.1, 0.5], "tpr": [0.1, 0.2, 0.3, 0.6, 0.9]},
        "calibration": {"method": "platt", "ece_raw": 0.2, "ece_cross_fitted": 0.03},
    }
}


def active(smiles: str) -> int:
    """Whether a molecule is an alcohol or an amine, and neither an acid nor a fluoride."""
    return int("=" not in smiles and "F" not in smiles)


def write_model(
    folder: Path, kind: str = "morgan", endpoints: tuple[Endpoint, ...] = ENDPOINTS, *, read_across: bool = False
) -> Path:
    """Model with random weights.

    Args:
        folder: Directory to write.
        kind: Features, ``morgan`` (tier triage) or ``rich`` (tier refine).
        endpoints: Some of ``ENDPOINTS``.
        read_across: Whether its classifications are read from the nearest training molecules too.

    """
    torch.manual_seed(5)
    found = rich_features(KNOWN, workers=1)
    features = found.morgan if kind == "morgan" else found.rich
    columns = features.descriptors.shape[1]
    vocabulary = Vocabulary.of_training(features, 1)
    shape = NetworkShape(
        rows=vocabulary.embedding_rows, descriptors=columns, members=3, width=8, hidden=8, endpoints=len(endpoints)
    )
    network = SparseNetwork(shape)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    network.embedding.data[0] = 0.0
    targets = np.full((len(KNOWN), 3), np.nan, dtype=np.float32)
    targets[:LABELLED, 0] = [active(s) for s in KNOWN[:LABELLED]]
    targets[:, 1] = np.arange(len(KNOWN)) % 2
    targets[:LABELLED, 2] = np.linspace(1, 4, LABELLED)
    keys = [Chem.MolToInchiKey(Chem.MolFromSmiles(s))[:14] for s in KNOWN]
    fingerprints = [found.morgan.ids[i:j] for i, j in zip(found.morgan.offsets, found.morgan.offsets[1:], strict=False)]
    names = {e.name for e in endpoints}
    targets = targets[:, [i for i, e in enumerate(ENDPOINTS) if e.name in names]]
    record = TrainingRecord.of(keys, fingerprints, targets)
    info = ModelInfo(
        format=FORMAT,
        name="small",
        tier="triage" if kind == "morgan" else "refine",
        created="2026-01-01T00:00:00+00:00",
        endpoints=endpoints,
        features=kind,
        descriptors=tuple(f"d{i}" for i in range(columns)),
        networks=(NetworkFacts(shape=shape, fingerprints=(kind,), descriptors=tuple(range(columns))),),
        has_boosters=False,
        has_read_across=read_across,
        read_across_prior=PRIOR,
        stack={e.name: _weights(e, read_across=read_across) for e in endpoints},
        standardise_digest=standardise.digest(standardise.StandardiseOptions()),
        rdkit_version=rdkit.__version__,
        datasets=({"name": "screen", "title": "Screen", "citation": "Doe 2020", "doi": "10.1/x", "licence": "CC0"},),
        curation={},
        splits={},
        training={"molecules": len(KNOWN)},
        scales={"dose": Scale(mean=2.5, sd=0.5)},
        domain=Domain(max_unseen_fraction=0.3, statistics={}),
        metrics=METRICS,
    )
    steep = Calibration(method="platt", logits=tuple(4 * grid() + 3))
    classes = [e.name for e in endpoints if not e.is_regression]
    trust = Trust(
        calibrations=dict.fromkeys(classes, steep),
        conformal={n: ConformalScores(active=(2.0, 3.0, 4.0), inactive=(-4.0, -3.0, -2.0)) for n in classes},
        intervals={"dose": Interval(low=-0.1, high=0.1, floor=None)},
        fitted={n: Fitted(on="other data", date="2026-01-01T00:00:00+00:00", n=100, n_positive=10) for n in classes},
    )
    part = NetworkPart(network, vocabulary, np.arange(columns))
    save_model(folder, info, trust, weights_bytes([part], None, record), "# card\n", "{}\n")
    return folder


def _weights(endpoint: Endpoint, *, read_across: bool) -> tuple[float, ...]:
    if not read_across:
        return (1.0,)
    return (1.0, 0.0) if endpoint.is_regression else (0.8, 0.2)


def write_csv(path: Path, rows: list[tuple[object, ...]], header: str = "smiles,y") -> Path:
    """Labelled file."""
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path
