import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def _load(name, path):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def chromium():
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    return CHROMIUM


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """A rendered report with hostile text in it."""
    from molsieve.results.report import report as render

    unit = Path(__file__).parents[1] / "unit" / "results"
    builder = _load("molsieve_test_work_folder", unit / "work_folder.py")
    samples = _load("molsieve_test_samples", unit / "conftest.py")
    work = tmp_path_factory.mktemp("work") / "small"
    facts = builder.build(
        work, samples.library_rows(), samples.PROFILE, shard_size=20, controls=samples.CONTROLS, shortlist=15, hits=8
    )
    out = tmp_path_factory.mktemp("report") / "report.html"
    render(work, out, facts=facts)
    return out
