"""Slurm's notation for GPUs among its generic resources."""

import re
from collections import Counter


def gpus_in(gres: str) -> dict[str, int]:
    """GPUs by type; the type is empty where the site names none.

    ``gpu:a100:4(S:0-1),craynetwork:2`` is ``{"a100": 4}``, ``gpu:2`` is ``{"": 2}``, ``(null)`` is empty.
    """
    found: Counter[str] = Counter()
    # What stands in brackets tells sockets, and has commas of its own.
    for entry in re.sub(r"\([^)]*\)", "", gres).split(","):
        name, *details = entry.strip().split(":")
        if name == "gpu":
            number = int(details.pop()) if details and details[-1].isdigit() else 1
            found[details[0] if details else ""] += number
    return dict(found)
