"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder of the real training data and libraries; tests that need it are skipped without."""
    folder = os.environ.get("MOLSIEVE_DATA_MIRROR")
    if not folder:
        pytest.skip("MOLSIEVE_DATA_MIRROR does not name the folder of the training data")
    return Path(folder)
