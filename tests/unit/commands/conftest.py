import pytest
from tests.unit.training.small_model import write_model


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    """Folder of a model of tier triage; do not write into it."""
    return write_model(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="session")
def small_refine_model(tmp_path_factory):
    """Folder of a model of tier refine; do not write into it."""
    return write_model(tmp_path_factory.mktemp("models") / "small_refine", kind="rich")
