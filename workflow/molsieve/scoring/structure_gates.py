"""What in a compound's structure keeps it out of the hits, as the profile wants it."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from molsieve.scoring.profile import Structure


def structure_gates(structure: Structure, checks: pa.Table) -> list[tuple[str, NDArray[np.bool_]]]:
    """Each gate of the profile with the compounds it stops, the weightiest last.

    Args:
        structure: The section of the profile.
        checks: Structure checks, one row a compound; all of them null where it was not inspected.

    """
    gates: list[tuple[str, NDArray[np.bool_]]] = []
    limits = {"novelty_tanimoto": structure.known_similarity, "novelty_tversky": structure.known_tversky}
    for column, limit in limits.items():
        if limit is not None:
            gates.append(("known_antibacterial", pc.fill_null(checks[column], 0).to_numpy() >= np.float32(limit)))
    if structure.known_classes == "gate":
        of_class = pc.is_valid(checks["antibacterial_class"]).to_numpy(zero_copy_only=False)
        gates.append(("known_antibacterial", np.asarray(of_class, dtype=np.bool_)))
    if structure.pains == "gate":
        gates.append(("pains", pc.fill_null(pc.list_value_length(checks["pains"]), 0).to_numpy() > 0))
    return gates
