"""The molecules that made the models: those measured active, as a reference for novelty.

A hit that resembles one of them is what the models were taught, whether or not it is known as an antibacterial.
"""

from pathlib import Path

import numpy as np

from molsieve.models.endpoints import read_endpoints
from molsieve.models.record import connectivity_hash
from molsieve.models.store import load_record
from molsieve.scoring.novelty import Reference


def training_actives(model: Path, known: Reference) -> Reference:
    """Training molecules that a model's activity endpoints were told are active.

    Models keep fingerprints of their training molecules, but no structures. So only known antibacterials have a name;
    the others go by the hash of their connectivity (``models.record.connectivity_hash``), in hexadecimal digits, by
    which they can be found again in the training data. Each name is followed by the endpoints the molecule is active
    in.

    Args:
        model: Model directory.
        known: Known antibacterials with their connectivity, which lend their names.

    Returns:
        The actives, in the order of their hashes; empty where the model has no activity endpoint.

    Raises:
        MolsieveError: There is no model, or it was changed.

    """
    record = load_record(model)
    active_in: dict[int, list[str]] = {}
    for index, endpoint in enumerate(read_endpoints(model)):
        if endpoint.family == "activity" and not endpoint.is_regression:
            rows, labels = record.labelled(index)
            for row in rows[labels > 0].tolist():
                active_in.setdefault(row, []).append(endpoint.name)
    rows = np.array(sorted(active_in), dtype=np.int64)
    names = {connectivity_hash(key): name for key, name in zip(known.connectivity, known.names, strict=True) if key}
    return Reference(
        tuple(_label(names.get(int(record.hashes[row])), int(record.hashes[row]), active_in[row]) for row in rows),
        tuple(record.bits.bit_vector(row) for row in rows),
    )


def _label(name: str | None, connectivity: int, endpoints: list[str]) -> str:
    return f"{name or f'training molecule {connectivity:016x}'} (active: {'; '.join(endpoints)})"
