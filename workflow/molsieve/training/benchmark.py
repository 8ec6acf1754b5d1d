"""Evaluating the shipped models from the stored out-of-fold predictions; minutes, and nothing is trained."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from molsieve.training.assemble import Evaluated, evaluate
from molsieve.training.components import STACKED
from molsieve.training.data import TrainingData
from molsieve.training.evaluation import OutOfFold, read_out_of_fold
from molsieve.training.splits import FOLDS, read_folds
from molsieve.training.stacking import add_read_across

ACTIVITY_SCHEMES = ("random", "random1", "random2", "random3", "cluster")
"""Schemes that only the activity endpoints are predicted under."""


def evaluate_tier(
    data: TrainingData, tier: str, splits: Path, predictions: Path, baselines: Path, stored: Path | None = None
) -> Evaluated:
    """Evaluate one tier under every scheme whose predictions are there.

    Args:
        data: Curated molecules.
        tier: ``triage`` (the student) or ``refine`` (the stack).
        splits: Folds of every molecule.
        predictions: Folder of the parts' predictions.
        baselines: Folder of the baselines' predictions.
        stored: Parquet file to keep the predictions in that the metrics are computed from.

    """
    stacked = list(STACKED) if tier == "refine" else ["student"]

    def read(scheme: str, of: TrainingData, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> OutOfFold:
        found = read_out_of_fold(predictions, baselines, scheme, read_folds(splits, scheme)[rows], stacked, rows)
        return add_read_across(of, found) if tier == "refine" else found

    scaffold = read("scaffold", data, np.arange(data.molecules))

    def is_there(scheme: str) -> bool:
        files = [predictions / f"{name}-{scheme}-{f}.safetensors" for name in stacked for f in range(FOLDS)]
        return all(
            file.is_file() for file in [*files, *(baselines / f"{scheme}-{f}.safetensors" for f in range(FOLDS))]
        )

    others: dict[str, tuple[TrainingData, OutOfFold]] = {}
    part, rows = data.of_families(["activity"])
    for scheme in ACTIVITY_SCHEMES:
        if tier == "refine" and is_there(scheme):
            others[scheme] = (part, read(scheme, part, rows))
    return evaluate(data, scaffold, others, date=datetime.now(UTC).isoformat(timespec="seconds"), stored=stored)
