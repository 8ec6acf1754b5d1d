"""How endpoints of one family go together: what ``models/families.py`` holds, from stored out-of-fold predictions.

    python benchmarks/family_correlation.py --training training

``members``: correlation of the deviations of an ensemble's members from their mean, between two endpoints of a family.
Members share a trunk, so a member that says too much for one endpoint says too much for its relatives.

``outcomes``: correlation of the latent variables of a one-factor Gaussian copula (Vasicek) that makes the measured
labels of a molecule most likely, given its cross-fitted calibrated probabilities. Where a family was measured as a
panel (the gut strains), ``coverage`` says how often the 90 % interval of ``gut_spectrum`` holds the measured share.

The schemes are scaffolds: the molecules are as new to the models as a library. A minute on one core.
"""

import argparse
import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import ndtr, ndtri, roots_hermitenorm

from molsieve import project_root
from molsieve.models.endpoints import Endpoint, read_endpoints
from molsieve.models.gut_spectrum import spectrum
from molsieve.training.calibrating import fit_calibration
from molsieve.training.evaluation import member_mean, read_out_of_fold
from molsieve.training.fit import TrainOptions
from molsieve.training.splits import FOLDS
from molsieve.training.trusting import calibrated

TIERS = {"triage": ("student",), "refine": ("morgan", "rich", "boosters")}
SCHEME = "scaffold"
# More molecules change no digit that is kept.
MOLECULES = 10_000
NODES = 48

Array = NDArray[np.float64]


def member_correlation(outputs: NDArray[np.float32]) -> float:
    """Mean correlation over pairs of endpoints of the members' standardised deviations; ``outputs`` [n, members, e]."""
    deviations = outputs - outputs.mean(axis=1, keepdims=True)
    spread = np.sqrt((deviations**2).mean(axis=1, keepdims=True))
    z = (deviations / np.maximum(spread, 1e-6)).reshape(-1, outputs.shape[2])
    matrix = z.T @ z / len(z)
    return float(np.mean(matrix[np.triu_indices(len(matrix), 1)]))


def cross_fitted(logits: Array, labels: Array, folds: NDArray[np.int8]) -> Array:
    """Calibrated probabilities of labelled molecules, each fold by a calibration fitted on the others."""
    probabilities = np.empty_like(logits)
    for fold in range(FOLDS):
        inside = folds == fold
        if inside.any():
            probabilities[inside] = calibrated(fit_calibration(logits[~inside], labels[~inside]), logits[inside])
    return probabilities


def outcome_correlation(probabilities: Array, labels: Array) -> float | None:
    """Most likely common correlation of the outcomes of a molecule; both [n, endpoints], NaN where not measured."""
    known = ~np.isnan(labels)
    several = known.sum(axis=1) > 1
    if several.sum() < 100:
        return None
    known, truth = known[several], labels[several]
    threshold = ndtri(np.clip(probabilities[several], 1e-6, 1 - 1e-6))
    nodes, weights = roots_hermitenorm(NODES)
    log_weights = np.log(weights / weights.sum())

    def loss(correlation: float) -> float:
        each = []
        for node in nodes:
            p = np.clip(ndtr((threshold + np.sqrt(correlation) * node) / np.sqrt(1 - correlation)), 1e-12, 1 - 1e-12)
            likelihood = np.where(truth == 1, np.log(p), np.log1p(-p))
            each.append(np.where(known, likelihood, 0.0).sum(axis=1))
        return -float(np.logaddexp.reduce(np.stack(each) + log_weights[:, None], axis=0).mean())

    return float(minimize_scalar(loss, bounds=(1e-4, 0.95), method="bounded").x)


def panel_coverage(probabilities: Array, labels: Array) -> dict[str, float]:
    """How often the 90 % interval of the share of a panel holds the measured share, to half an endpoint."""
    complete = ~np.isnan(labels).any(axis=1)
    measured = labels[complete].mean(axis=1)
    value, low, high = spectrum(probabilities[complete].astype(np.float32))
    slack = 0.5 / labels.shape[1]
    inside = (measured >= low - slack) & (measured <= high + slack)
    active = measured >= 0.1
    return {
        "molecules": int(complete.sum()),
        "coverage": round(float(inside.mean()), 3),
        "coverage_of_broad": round(float(inside[active].mean()), 3),
        "below": round(float((measured < low - slack).mean()), 3),
        "above": round(float((measured > high + slack).mean()), 3),
        "mean_width": round(float((high - low).mean()), 3),
        "mean_error": round(float(np.abs(value - measured).mean()), 3),
    }


def of_tier(
    training: Path,
    parts: Sequence[str],
    endpoints: Sequence[Endpoint],
    labels: NDArray[np.float32],
    folds: NDArray[np.int8],
) -> dict[str, dict[str, object]]:
    """Figures of one tier, by family."""
    rows = np.arange(len(labels))
    oof = read_out_of_fold(training / "oof", training / "baselines", SCHEME, folds, parts, rows)
    mean = np.mean([member_mean(part) for part in oof.parts.values()], axis=0)
    # The networks of all endpoints and the trees: members of specialists are not paired across families.
    outputs = np.concatenate([part[:, : TrainOptions().members] for part in oof.parts.values()], axis=1)
    sample = np.random.default_rng(0).permutation(len(labels))[:MOLECULES]
    found: dict[str, dict[str, object]] = {}
    for family in dict.fromkeys(e.family for e in endpoints):
        places = [i for i, e in enumerate(endpoints) if e.family == family and not e.is_regression]
        probabilities = np.full((len(labels), len(places)), np.nan)
        for column, i in enumerate(places):
            known = ~np.isnan(labels[:, i])
            probabilities[known, column] = cross_fitted(
                mean[known, i].astype(float), labels[known, i].astype(float), folds[known]
            )
        truth = labels[:, places].astype(float)
        correlation = outcome_correlation(probabilities, truth)
        found[family] = {
            "endpoints": len(places),
            "members": round(member_correlation(outputs[sample][:, :, places]), 3),
            "outcomes": None if correlation is None else round(correlation, 3),
        }
        if family == "gut":
            found[family] |= {"panel": panel_coverage(probabilities, truth)}
    families = [e.family for e in endpoints if not e.is_regression]
    places = [i for i, e in enumerate(endpoints) if not e.is_regression]
    found["between families"] = {"members": round(_between(outputs[sample][:, :, places], families), 3)}
    return found


def _between(outputs: NDArray[np.float32], families: Sequence[str]) -> float:
    """Mean correlation of the members' deviations over pairs of families, each pair counting once."""
    values = []
    for one, other in combinations(dict.fromkeys(families), 2):
        pairs = [
            member_correlation(outputs[:, :, [families.index(one) + i, families.index(other) + i]]) for i in range(2)
        ]
        values.append(np.mean(pairs))
    return float(np.mean(values))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--training", type=Path, default=Path("training"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/family_correlation.json"))
    arguments = parser.parse_args()
    endpoints = read_endpoints(project_root() / "resources" / "models" / "triage")
    names = [endpoint.name for endpoint in endpoints]
    table = pq.read_table(arguments.training / "curated.parquet", columns=["connectivity", *names])
    splits = pq.read_table(arguments.training / "splits.parquet", columns=["connectivity", SCHEME])
    if not table["connectivity"].equals(splits["connectivity"]):
        raise SystemExit("the curated table and the splits are not of the same molecules")
    labels = np.stack([table[name].to_numpy(zero_copy_only=False) for name in names], axis=1).astype(np.float32)
    folds = splits[SCHEME].to_numpy()
    found = {tier: of_tier(arguments.training, parts, endpoints, labels, folds) for tier, parts in TIERS.items()}
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
