"""Small predicted libraries, laid out as the stages leave them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molsieve.chemistry.descriptors import DESCRIPTORS, describe
from molsieve.chemistry.standardise import standardise_smiles

PROFILE = """
name: test
title: Test
description: A profile for tests.
criteria:
  - {name: activity, title: Active, endpoints: [a, b], combine: any, want: active, desirability: [0, 0.5],
     required: true, weight: 2, source: test}
  - {name: safety, title: Safe, endpoints: [tox], want: inactive, desirability: [0.2, 0.8], required: true,
     source: test}
  - {name: size, title: Size, descriptor: mw_da, accept: [null, 300], fade: 100, weight: 1, source: test}
"""


@pytest.fixture
def profile_file(tmp_path: Path) -> Path:
    path = tmp_path / "profile.yaml"
    path.write_text(PROFILE)
    return path


class Library:
    """A work folder with prepared and triage shards of real molecules and given predictions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def shard(self, number: int, first_id: int, smiles: list[str], predictions: dict[str, list[float]]) -> None:
        parents = [standardise_smiles(text) for text in smiles]
        properties = list(zip(*(describe(parent.parent) for parent in parents), strict=True))
        ids = np.arange(first_id, first_id + len(smiles))
        prepared = {"record_id": pa.array(ids), "parent_smiles": [parent.parent_smiles for parent in parents]}
        prepared |= {
            column.name: pa.array(values, column.type) for column, values in zip(DESCRIPTORS, properties, strict=True)
        }
        triage = {"record_id": pa.array(ids)}
        triage |= {f"{name}_prob": pa.array(values, pa.float32()) for name, values in predictions.items()}
        for name, table in (("prepared", prepared), ("triage", triage)):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(table), self.folder / name / f"{number:05d}.parquet")

    def refine(self, chunk: int, ids: list[int], predictions: dict[str, list[float]]) -> Path:
        """Write a chunk of refined predictions; returns their folder."""
        columns = {"record_id": pa.array(ids, pa.int64())}
        columns |= {f"{name}_prob": pa.array(values, pa.float32()) for name, values in predictions.items()}
        columns["nn_similarity"] = pa.array([0.5] * len(ids), pa.float32())
        folder = self.folder / "refined"
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), folder / f"{chunk:05d}.parquet")
        return folder


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library")
