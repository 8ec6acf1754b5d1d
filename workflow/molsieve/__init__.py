"""molsieve: screening of compound libraries, from raw files to a published, accounted-for result set."""

from pathlib import Path

__version__ = "0.1.0"

SCHEMA_VERSION = "1.2.0"


def project_root() -> Path:
    """Folder that holds the Snakefile, ``config/`` and ``resources/``.

    In a wheel these are shipped inside the package, under ``project/``; in a clone the package lies at
    ``workflow/molsieve`` below them.
    """
    shipped = Path(__file__).parent / "project"
    return shipped if shipped.is_dir() else Path(__file__).parents[2]
