"""The Snakemake profile of a site: reading one, and writing one from the commented template."""

from pathlib import Path
from typing import Any

from molsieve import project_root
from molsieve.config import load_yaml
from molsieve.errors import MolsieveError

TEMPLATE = Path("workflow/profiles/slurm")


def read_profile(folder: Path | None) -> dict[str, Any]:
    """Keys of a profile; of the shipped one where no folder is given.

    Raises:
        MolsieveError: There is none, or it is not YAML.

    """
    file = (folder or project_root() / TEMPLATE) / "profile.yaml"
    if not file.is_file():
        raise MolsieveError(
            f"{file} does not exist", where="--profile", fix="`molsieve cluster profile DIR` writes one into DIR."
        )
    return load_yaml(file)
