"""``gut_spectrum``: what share of the commensal gut bacteria a compound is expected to inhibit.

A narrow-spectrum antibacterial hits the pathogen and spares these. The outcomes of the strains go together (what
inhibits one Bacteroides inhibits most), so the share is far less certain than forty independent outcomes would make it:
the interval is that of a one-factor Gaussian copula, in which every strain answers to one common factor.

Reference for the distribution of such a share: Vasicek, Risk 2002, 15 (12), 160 (there of loans that default).
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from molsieve.models.endpoints import Endpoint
from molsieve.models.families import OUTCOME_CORRELATION
from molsieve.normal import Z90

FAMILY = "gut"

Floats = NDArray[np.float32]


def spectrum(probabilities: Floats) -> tuple[Floats, Floats, Floats]:
    """Expected share of the strains that are inhibited, and its 90 % interval.

    Args:
        probabilities: Calibrated probability of each strain being inhibited, [n, strains].

    Returns:
        Share, lower and upper bound, 0 to 1, [n] each; NaN when there is no strain.

    """
    if not probabilities.shape[1]:
        nothing = np.full(len(probabilities), np.nan, dtype=np.float32)
        return nothing, nothing, nothing
    correlation = OUTCOME_CORRELATION[FAMILY]
    thresholds = ndtri(np.clip(probabilities, np.float32(1e-6), np.float32(1 - 1e-6)))
    reach = np.float32(Z90 * np.sqrt(correlation))
    scale = np.float32(np.sqrt(1 - correlation))
    low, high = (ndtr((thresholds + side * reach) / scale).mean(axis=1) for side in (np.float32(-1), np.float32(1)))
    return probabilities.mean(axis=1), low, high


def spectrum_arrays(values: Floats, endpoints: Sequence[Endpoint]) -> list[pa.Array]:
    """Columns ``results.schema.gut_spectrum_columns`` of some predictions; null when no gut strain is predicted.

    Args:
        values: Predictions of all endpoints, [n, endpoints].
        endpoints: The endpoints.

    """
    strains = [i for i, e in enumerate(endpoints) if e.family == FAMILY and not e.is_regression]
    return [pa.array(column, from_pandas=True) for column in spectrum(values[:, strains])]
