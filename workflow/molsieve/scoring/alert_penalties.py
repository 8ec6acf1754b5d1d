"""What the alerts in a compound's structure take off its score, as the profile wants it."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from molsieve.scoring.profile import Structure

MAX_COUNTED_ALERTS = 3


def alert_factor(structure: Structure, checks: pa.Table) -> NDArray[np.float64]:
    """Factor on the score: a penalty for each alert, up to three of a catalogue, and 0 behind a PAINS gate.

    Args:
        structure: The section of the profile.
        checks: Structure checks, one row a compound; all of them null where it was not inspected, which costs nothing.

    """
    factor = np.ones(checks.num_rows)
    for catalogue, penalty in structure.alert_penalties.items():
        factor *= penalty ** np.minimum(_alert_counts(checks, catalogue), MAX_COUNTED_ALERTS)
    if structure.pains == "gate":
        factor = np.where(_alert_counts(checks, "pains") > 0, 0.0, factor)
    return factor


def _alert_counts(checks: pa.Table, catalogue: str) -> NDArray[np.int64]:
    if catalogue not in checks.column_names:
        return np.zeros(checks.num_rows, dtype=np.int64)
    return np.asarray(pc.fill_null(pc.list_value_length(checks[catalogue]), 0).to_numpy(), dtype=np.int64)
