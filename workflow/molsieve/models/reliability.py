"""What scoring has to know of an endpoint beside its prediction: its family, and how sure its calibration is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from molsieve.models.calibration import GRID_POINTS, GRID_START, GRID_STEP, Calibration, grid
from molsieve.models.conformal import ConformalScores
from molsieve.models.endpoints import read_endpoints
from molsieve.models.trust import Fitted, read_trust

# Beyond these log odds (probability 0.002) a calibration is not told apart from its last labels.
_FARTHEST = 6.0
# What is believed of slope and intercept without any label, as a standard deviation of either.
_PRIOR_SD = 1.0

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CalibrationError:
    """Standard error of a calibration curve, as that of a logistic curve through the same labels.

    Attributes:
        covariance: Of intercept and slope of the calibrated log odds, as (intercept, both, slope).

    """

    covariance: tuple[float, float, float]

    @classmethod
    def of(cls, calibration: Calibration, scores: ConformalScores, fitted: Fitted) -> Self:
        """Derive it from the labels that the calibration was fitted on.

        Their outputs are those kept for the conformal sets. The inverse of the Fisher information of a logistic
        regression on them is the covariance; for isotonic calibrations this is a lower bound. Labels count as
        independent, although molecules come in series.
        """
        outputs = np.concatenate([scores.active, scores.inactive])
        kept = (len(scores.active), len(scores.inactive))
        labels = (fitted.n_positive, fitted.n - fitted.n_positive)
        each = np.concatenate([np.full(k, n / max(k, 1)) for k, n in zip(kept, labels, strict=True)])
        log_odds = np.clip(_calibrated(calibration, outputs), -_FARTHEST, _FARTHEST)
        probability = 1 / (1 + np.exp(-log_odds))
        weight = each * probability * (1 - probability)
        design = np.stack([np.ones_like(log_odds), log_odds])
        information = (design * weight) @ design.T + np.eye(2) / _PRIOR_SD**2
        (a, b), (_, c) = np.linalg.inv(information)
        return cls((float(a), float(b), float(c)))

    @classmethod
    def unfitted(cls) -> Self:
        """Of a calibration that no label has tested: what is believed without any."""
        return cls((_PRIOR_SD**2, 0.0, _PRIOR_SD**2))

    def standard_error(self, probability: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the standard error of calibrated probabilities."""
        bounded = np.clip(probability, np.float32(1e-6), np.float32(1 - 1e-6))
        log_odds = np.clip(np.log(bounded / (1 - bounded)), -_FARTHEST, _FARTHEST)
        a, b, c = (np.float32(value) for value in self.covariance)
        error: NDArray[np.float32] = probability * (1 - probability) * np.sqrt(a + 2 * b * log_odds + c * log_odds**2)
        return error


@dataclass(frozen=True)
class Reliability:
    """Of one endpoint.

    Attributes:
        family: Family of the endpoint (``models.families``).
        calibration: How sure its calibration is; None for a regression.

    """

    family: str
    calibration: CalibrationError | None = None


def read_reliabilities(folders: Iterable[Path]) -> Mapping[str, Reliability]:
    """Reliability of every endpoint of some models; of two models with the same endpoint the first counts.

    Raises:
        MolsieveError: There is no model in one of the folders.

    """
    found: dict[str, Reliability] = {}
    for folder in folders:
        trust = read_trust(folder)
        for endpoint in read_endpoints(folder):
            name = endpoint.name
            error = None
            if name in trust.calibrations:
                error = (
                    CalibrationError.of(trust.calibrations[name], trust.conformal[name], trust.fitted[name])
                    if name in trust.fitted
                    else CalibrationError.unfitted()
                )
            found.setdefault(name, Reliability(endpoint.family, error))
    return found


def _calibrated(calibration: Calibration, outputs: Array) -> Array:
    """Calibrated log odds: linear between the points of the grid, and beyond them."""
    curve = np.asarray(calibration.logits)
    left = np.clip(np.floor((outputs - GRID_START) / GRID_STEP).astype(int), 0, GRID_POINTS - 2)
    slope = (curve[left + 1] - curve[left]) / GRID_STEP
    inside: Array = curve[left] + slope * (outputs - grid()[left])
    return inside
