"""From the network's raw outputs to probabilities that can be read as frequencies, and to intervals that hold."""

import math
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

GRID_START = -12.0
GRID_STEP = 0.25
GRID_POINTS = 97


class Calibration(BaseModel):
    """Strictly increasing map from logit to calibrated logit, by its values on a regular grid.

    Between grid points it is linear, beyond the grid it goes on with the slope of the last step, so distinct outputs
    stay distinct and the ranking never changes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["platt", "isotonic", "none"]
    logits: tuple[float, ...]
    """Calibrated logits at ``GRID_START + i * GRID_STEP``."""

    @classmethod
    def identity(cls) -> "Calibration":
        """No calibration."""
        return cls(method="none", logits=tuple(grid().tolist()))


class Interval(BaseModel):
    """90 % prediction interval of a regression: value + (low or high) * scale(ensemble sd)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: float
    high: float
    floor: float | None
    """scale = sqrt(sd^2 + floor^2); None: scale = 1, the interval has the same width everywhere."""

    def bounds(self, value: torch.Tensor, sd: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Lower and upper bound."""
        scale = torch.ones_like(sd) if self.floor is None else torch.sqrt(sd**2 + self.floor**2)
        return value + self.low * scale, value + self.high * scale


def grid() -> NDArray[np.float64]:
    """Logits at which calibrations are stored."""
    points: NDArray[np.float64] = GRID_START + GRID_STEP * np.arange(GRID_POINTS, dtype=np.float64)
    return points


class CalibrationTable:
    """Calibrations of several endpoints, applied to a tensor in one go on any device."""

    def __init__(self, calibrations: list[Calibration], device: str | torch.device = "cpu") -> None:
        self._values = torch.tensor([c.logits for c in calibrations], dtype=torch.float32, device=device).flatten()
        self._first = torch.arange(len(calibrations), device=device) * GRID_POINTS

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Calibrated probabilities; the last dimension of ``logits`` is the endpoint."""
        position = (logits - GRID_START) / GRID_STEP
        left = position.floor().clamp(0, GRID_POINTS - 2)
        index = self._first + left.long()
        low, high = self._values[index], self._values[index + 1]
        return torch.sigmoid(low + (position - left) * (high - low))


def expected_calibration_error(
    probabilities: NDArray[np.floating], labels: NDArray[np.floating], bins: int = 15
) -> float:
    """Mean distance between predicted probability and observed frequency over bins of equal mass."""
    order = np.argsort(probabilities, kind="stable")
    error = 0.0
    for part in np.array_split(order, min(bins, len(order))):
        error += len(part) / len(order) * abs(float(probabilities[part].mean()) - float(labels[part].mean()))
    return error


def to_logit(probability: float) -> float:
    """Log odds, kept away from infinity."""
    bounded = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(bounded / (1 - bounded))
