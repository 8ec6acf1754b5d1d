"""What turns a model's raw outputs into numbers to believe: ``trust.json``, apart from the weights.

Because it is a file of its own, a model is recalibrated to new data by swapping it; nothing is trained again.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from molsieve.models.calibration import Calibration, Interval
from molsieve.models.conformal import ConformalScores

TRUST = "trust.json"


class Fitted(BaseModel):
    """What the calibration of one endpoint was fitted on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: str
    """``out-of-fold predictions over new scaffolds``, or the name and digest of the user's file."""
    date: str
    """UTC, ISO 8601."""
    n: int
    n_positive: int = 0


class Trust(BaseModel):
    """Calibrations, intervals and conformal scores of a model, by endpoint."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calibrations: dict[str, Calibration]
    """Of each classification endpoint."""
    conformal: dict[str, ConformalScores]
    """Of each classification endpoint."""
    intervals: dict[str, Interval]
    """Of each regression endpoint."""
    fitted: dict[str, Fitted]
    """Of each endpoint."""

    def swapped(self, other: "Trust") -> "Trust":
        """Take the entries of ``other`` for the endpoints it has, and keep the rest."""
        return Trust(
            calibrations=self.calibrations | other.calibrations,
            conformal=self.conformal | other.conformal,
            intervals=self.intervals | other.intervals,
            fitted=self.fitted | other.fitted,
        )


def read_trust(folder: Path) -> Trust:
    """Trust of a model directory."""
    return Trust.model_validate_json((folder / TRUST).read_bytes())
