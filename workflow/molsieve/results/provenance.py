"""What a result came from: digests of code, files and configuration, versions, and the machine.

The workflow asks for :func:`stage_code_digest` when it is parsed, so this module imports nothing heavy.
"""

import ast
import hashlib
import json
import os
import platform
import re
import socket
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from molsieve import __version__, project_root

# Day of the release, which stands where a format demands a date but the same run must give the same bytes.
RELEASED = "2026-11-22"

# Packages that can change a number in a table.
PACKAGES = ("dask", "distributed", "numpy", "pandas", "pyarrow", "rdkit", "safetensors", "scipy", "snakemake", "torch")

_PACKAGE = __name__.partition(".")[0]
_SOURCES = Path(__file__).parents[1]

# Import statements, wherever in a line's indentation they start; brackets may span lines.
_IMPORT = re.compile(
    rf"^[ \t]*((?:from[ \t]+(?:{_PACKAGE}\b|\.)[\w.]*[ \t]+import[ \t]+(?:\([^)]*\)|[^\n(]+))"
    rf"|(?:import[ \t]+[^\n]*\b{_PACKAGE}\b[^\n]*))",
    re.MULTILINE,
)


def stage_code_digest(module_name: str) -> str:
    """SHA-256 of the sources a stage depends on, so that Snakemake re-runs it when its own code changes.

    Covers the module and every module of this package it imports, directly or not, at the top or inside a function,
    with the packages that are initialised on the way. Files of a package that are not Python (templates) count with the
    package.

    Args:
        module_name: Dotted name, e.g. ``molsieve.chemistry.prepare``.

    Raises:
        ModuleNotFoundError: The package has no such module.

    """
    if _source_of(module_name) is None:
        raise ModuleNotFoundError(module_name, name=module_name)
    wanted: set[str] = set()
    pending = [module_name]
    while pending:
        name = pending.pop()
        if name in wanted:
            continue
        wanted.add(name)
        pending += _imports(name)
    digest = hashlib.sha256()
    for name in sorted(wanted):
        for relative, content in _contents(name):
            digest.update(f"{relative}\0{content}\0".encode())
    return digest.hexdigest()


def package_digest() -> str:
    """SHA-256 of all sources of the package: what the version number alone cannot say of a working copy."""
    digest = hashlib.sha256()
    for path in sorted(_SOURCES.rglob("*")):
        relative = path.relative_to(_SOURCES)
        # In a wheel the workflow's own files lie under project/; they are not sources of the package.
        if relative.parts[0] != "project" and _is_source(path):
            digest.update(f"{relative.as_posix()}\0{sha256_of_file(path)}\0".encode())
    return digest.hexdigest()


def _source_of(module: str) -> Path | None:
    path = _SOURCES.joinpath(*module.split(".")[1:])
    if (path / "__init__.py").is_file():
        return path / "__init__.py"
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() and path != _SOURCES else None


@cache
def _contents(module: str) -> tuple[tuple[str, str], ...]:
    """Relative path and digest of each file that makes up a module."""
    source = _source_of(module)
    assert source is not None  # noqa: S101 - _imports only names modules that exist
    files = [source]
    if source.name == "__init__.py":
        files += (path for path in sorted(source.parent.iterdir()) if path.suffix != ".py" and _is_source(path))
    return tuple((path.relative_to(_SOURCES).as_posix(), sha256_of_file(path)) for path in files)


def _is_source(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and "__pycache__" not in path.parts


@cache
def _imports(module: str) -> tuple[str, ...]:
    """Modules of this package that a module imports, and the packages that this initialises."""
    source = _source_of(module)
    assert source is not None  # noqa: S101 - only called for modules that exist
    text = source.read_text(encoding="utf-8")
    try:
        # A parse of whole files would take a second for the package; import statements alone take milliseconds.
        tree = ast.parse("\n".join(match.group(1) for match in _IMPORT.finditer(text)))
    except SyntaxError:  # prose that begins like an import, a bracket in a comment
        tree = ast.parse(text)
    package = module if source.name == "__init__.py" else module.rpartition(".")[0]
    found = set(_imported_names(tree, package))
    for name in (module, *tuple(found)):
        parts = name.split(".")
        found.update(".".join(parts[:length]) for length in range(1, len(parts)))
    return tuple(sorted(name for name in found if _source_of(name)))


def _imported_names(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == _PACKAGE)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                anchor = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*anchor, base]) if base else ".".join(anchor)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(value: Any) -> str:  # noqa: ANN401 - anything JSON can say
    """SHA-256 of a value's canonical JSON (sorted keys, no white space)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Version of molsieve, of Python and of the packages that can change a number; absent packages are left out."""
    found = {"molsieve": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """Commit of the working copy the code runs from, with ``-dirty`` when it was changed; None outside of one."""
    root = project_root()
    if not (root / ".git").exists():
        return None
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip() or None


def environment() -> dict[str, Any]:
    """Describe the machine: host, operating system, processor cores, Slurm job."""
    facts: dict[str, Any] = {
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "python": platform.python_implementation(),
    }
    slurm = {key: os.environ[key] for key in ("SLURM_JOB_ID", "SLURM_CLUSTER_NAME") if key in os.environ}
    return facts | ({"slurm": slurm} if slurm else {})
