"""The conda environment and the pinned requirements name the same versions."""

import re

import yaml

from molsieve import project_root

# The names conda-forge uses where they differ from PyPI's.
CONDA_NAMES = {"dask-core": "dask", "pytorch": "torch"}


def pins(name: str) -> dict[str, str]:
    lines = (project_root() / "envs" / name).read_text().splitlines()
    return {found[1].lower(): found[2] for line in lines if (found := re.match(r"([A-Za-z0-9_.-]+)==([^\s;#]+)", line))}


def release(version: str) -> tuple[int, ...]:
    """2026.09.1 and 2026.9.1 are one release."""
    return tuple(int(part) for part in version.split("."))


def test_conda_environment_has_the_pinned_versions():
    pinned = pins("requirements.txt") | pins("requirements-dev.txt")
    environment = yaml.safe_load((project_root() / "envs" / "molsieve.yaml").read_text())
    checked = 0
    for dependency in environment["dependencies"]:
        name, version = dependency.split(" =")[0], dependency.split(" =")[-1]
        if name.startswith("python "):
            continue
        pypi = CONDA_NAMES.get(name, name)
        assert release(version) == release(pinned[pypi]), name
        checked += 1
    assert checked >= 15


def test_conda_environment_has_what_the_package_needs():
    import tomllib

    project = tomllib.loads((project_root() / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[=><]", entry)[0] for entry in project["dependencies"]} - {"snakemake"}
    environment = yaml.safe_load((project_root() / "envs" / "molsieve.yaml").read_text())
    present = {entry.split()[0] for entry in environment["dependencies"]}
    assert needed <= {CONDA_NAMES.get(name, name) for name in present}
