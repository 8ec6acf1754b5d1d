"""`pip install .` into an environment of its own; `molsieve run` then works from any folder."""

import subprocess
import sys

import pytest
from tests.workflow.workspace import small_library

from molsieve import project_root

pytestmark = pytest.mark.slow


def test_a_plain_installation_screens_from_any_folder(tmp_path):
    if not (project_root() / "pyproject.toml").is_file():
        pytest.skip("the tests run from a wheel, not from a clone")
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    subprocess.run(
        [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", str(project_root())], check=True
    )
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    small_library(folder, rows=40)
    command = [str(environment / "bin" / "molsieve"), "run", "library.csv", "--out", "results/small"]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert finished.returncode == 0, finished.stderr
    assert (folder / "results" / "small" / "report.html").is_file()
    verified = subprocess.run(
        [str(environment / "bin" / "molsieve"), "results", "verify", "results/small"], cwd=folder, check=False
    )
    assert verified.returncode == 0
