"""Which models there are: those that ship with molsieve, by name, and any directory."""

import os
from pathlib import Path

from molsieve import project_root
from molsieve.errors import MolsieveError
from molsieve.models.endpoints import INFO

SHIPPED = ("triage", "refine")


def shipped_folder(name: str) -> Path:
    """Directory of a shipped model."""
    return project_root() / "resources" / "models" / name


def shipped_models() -> list[Path]:
    """Directories of the shipped models that are there."""
    return [folder for folder in map(shipped_folder, SHIPPED) if (folder / INFO).is_file()]


def new_folder(out: Path) -> Path:
    """Directory a new model can be written to.

    Raises:
        MolsieveError: There is something already, or it cannot be made.

    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MolsieveError("There is something already.", where=str(out), fix="Give --out a new directory.")
    there = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise MolsieveError(
            f"No directory can be made in {there}: it is {'read-only to you' if there.is_dir() else 'a file'}.",
            where=str(out),
            fix="Give --out a directory you may write to.",
        )
    return out


def model_folder(model: str) -> Path:
    """Directory of a model given by path, or by the name of a shipped one.

    Raises:
        MolsieveError: There is none.

    """
    folder = Path(model)
    if (folder / INFO).is_file():
        return folder
    if model in SHIPPED and (shipped_folder(model) / INFO).is_file():
        return shipped_folder(model)
    raise MolsieveError(
        f"There is no model '{model}'.",
        where=str(folder),
        fix=f"Give {' or '.join(SHIPPED)}, or the directory of a model (it holds {INFO}).",
    )
