"""Class-conditional conformal sets: which labels cannot be ruled out at a stated error.

Reference: Vovk, Gammerman and Shafer, doi:10.1007/978-3-031-06649-8; class-conditional (Mondrian) sets for toxicity:
Morger et al., doi:10.1186/s13321-021-00511-5. `crepes` computes the same p-values; a test compares them.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

# Error that a conformal set is published at: at most so large a share of either class lies outside its set.
DEFAULT_ERROR = 0.2

SETS = ("none", "inactive", "active", "both")
"""Names of the sets by code: bit 0 holds ``inactive``, bit 1 ``active``."""

# Calibration outputs kept of each class; more would change a p-value by less than 0.001.
MAX_KEPT = 1000


class ConformalScores(BaseModel):
    """Outputs (logits) of the calibration molecules of each class, ascending: what a new output is compared with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    active: tuple[float, ...]
    inactive: tuple[float, ...]

    @classmethod
    def of(cls, logits: NDArray[np.floating], labels: NDArray[np.floating]) -> "ConformalScores":
        """Keep the outputs of each class, or ``MAX_KEPT`` evenly spaced quantiles of them.

        Args:
            logits: Of molecules the model was not trained on, [n].
            labels: 0 or 1, [n].

        """
        return cls(active=_kept(logits[labels == 1]), inactive=_kept(logits[labels == 0]))

    def p_values(self, logits: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How ordinary each output would be for an active and for an inactive molecule, 0 to 1: (active, inactive)."""
        active, inactive = np.asarray(self.active), np.asarray(self.inactive)
        below = np.searchsorted(active, logits, side="right")
        above = len(inactive) - np.searchsorted(inactive, logits, side="left")
        return (below + 1) / (len(active) + 1), (above + 1) / (len(inactive) + 1)

    def sets(self, logits: NDArray[np.floating], error: float = DEFAULT_ERROR) -> NDArray[np.int8]:
        """Set of each output as an index into ``SETS``: a label is in it when its p-value exceeds the error."""
        active, inactive = self.p_values(logits)
        return ((active > error) * 2 + (inactive > error)).astype(np.int8)


def _kept(values: NDArray[np.floating]) -> tuple[float, ...]:
    ordered = np.sort(values.astype(np.float64))
    if len(ordered) > MAX_KEPT:
        ordered = np.quantile(ordered, (np.arange(MAX_KEPT) + 0.5) / MAX_KEPT)
    return tuple(round(float(v), 4) for v in ordered)
