"""The dataset registry of the project."""

import pytest

from molsieve import project_root
from molsieve.training.datasets import Registry, load_registry


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load_registry(project_root() / "config" / "datasets.yaml")
