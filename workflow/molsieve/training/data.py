"""Curated molecules as arrays: labels, and the features of either tier."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from molsieve.errors import MolsieveError
from molsieve.files import replacing
from molsieve.models.endpoints import Endpoint
from molsieve.models.features import SparseFeatures, features_of
from molsieve.models.rich_features import RICH_DESCRIPTORS, rich_features


@dataclass
class TrainingData:
    """One row a molecule."""

    endpoints: tuple[Endpoint, ...]
    connectivity: list[str]
    parent_smiles: list[str]
    targets: NDArray[np.float32]
    """Labels, NaN where not measured, [molecules, endpoints]."""
    morgan: SparseFeatures
    rich: SparseFeatures | None = None

    @property
    def molecules(self) -> int:
        """Number of molecules."""
        return len(self.targets)

    @property
    def is_regression(self) -> NDArray[np.bool_]:
        """Of each endpoint."""
        return np.array([e.is_regression for e in self.endpoints])

    def features(self, kind: str) -> SparseFeatures:
        """Features of one kind (``ModelInfo.features``).

        Raises:
            MolsieveError: The rich features were not computed.

        """
        if kind == "morgan":
            return self.morgan
        if self.rich is None:
            raise MolsieveError("The rich features of the training molecules are missing.", fix="Give --rich.")
        return self.rich

    def of_families(self, families: Collection[str]) -> tuple["TrainingData", NDArray[np.int64]]:
        """Restrict to the endpoints of some families and the molecules with a label of theirs; also their rows."""
        places = [i for i, e in enumerate(self.endpoints) if e.family in families]
        rows = np.flatnonzero((~np.isnan(self.targets[:, places])).any(axis=1))
        part = TrainingData(
            endpoints=tuple(self.endpoints[i] for i in places),
            connectivity=[self.connectivity[i] for i in rows],
            parent_smiles=[self.parent_smiles[i] for i in rows],
            targets=self.targets[rows][:, places],
            morgan=self.morgan.take(rows),
            rich=None if self.rich is None else self.rich.take(rows),
        )
        return part, rows

    def of_endpoints(self, places: Sequence[int] | NDArray[np.integer]) -> "TrainingData":
        """Restrict to some endpoints; the molecules stay, labelled or not."""
        return replace(self, endpoints=tuple(self.endpoints[i] for i in places), targets=self.targets[:, list(places)])

    def fingerprints(self, rows: NDArray[np.integer]) -> list[NDArray[np.uint32]]:
        """Morgan ids of some molecules."""
        offsets, ids = self.morgan.offsets, self.morgan.ids
        return [ids[offsets[i] : offsets[i + 1]] for i in rows]


def training_data(table: pa.Table, endpoints: Sequence[Endpoint], rich: SparseFeatures | None = None) -> TrainingData:
    """Curated table (``curation.read_table``) as arrays."""
    columns = [table[e.name].to_numpy(zero_copy_only=False) for e in endpoints]
    return TrainingData(
        endpoints=tuple(endpoints),
        connectivity=table["connectivity"].to_pylist(),
        parent_smiles=table["parent_smiles"].to_pylist(),
        targets=np.stack(columns, axis=1).astype(np.float32),
        morgan=features_of(table),
        rich=rich,
    )


def write_rich(parents: Sequence[str], out: Path, *, workers: int) -> None:
    """Compute the rich features of all training molecules and keep them.

    Raises:
        MolsieveError: A molecule cannot be described; curation should have rejected it.

    """
    found = rich_features(parents, workers=workers)
    if len(found.rows) != len(parents):
        missing = sorted(set(range(len(parents))) - set(found.rows.tolist()))
        raise MolsieveError(f"RDKit cannot describe {len(missing)} molecules, e.g. {parents[missing[0]]}.")
    with replacing(out) as temporary:
        save_file(found.rich._asdict(), temporary)


def read_rich(path: Path) -> SparseFeatures:
    """Features written by ``write_rich``.

    Raises:
        MolsieveError: They were made by another version.

    """
    features = SparseFeatures(**load_file(path))
    if features.descriptors.shape[1] != len(RICH_DESCRIPTORS):
        raise MolsieveError("The features were made by another version.", where=str(path), fix="Delete the file.")
    return features
