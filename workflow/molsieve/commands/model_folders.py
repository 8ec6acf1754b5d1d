"""Which models there are: those that ship with molsieve, by name, and any directory."""

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
