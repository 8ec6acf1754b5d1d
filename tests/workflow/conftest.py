"""Workspaces for the workflow tests."""

from pathlib import Path

import pytest
from tests.workflow.workspace import Workspace, small_library


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    small_library(tmp_path)
    return Workspace(tmp_path)


@pytest.fixture(scope="session")
def screened(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished run over the small library in three shards; tests must not change it."""
    folder = tmp_path_factory.mktemp("screened")
    small_library(folder)
    workspace = Workspace(folder)
    workspace.molsieve("run", "library.csv", "--out", "results/small", "--set", "ingest.shard_size=120")
    return workspace
