"""Commands that fit something need scikit-learn, which screening does without."""

from collections.abc import Iterator
from contextlib import contextmanager

from molsieve.errors import MolsieveError


@contextmanager
def training_extra() -> Iterator[None]:
    """Around the imports of what needs it: say what to install instead of a failed import.

    Raises:
        MolsieveError: scikit-learn is not installed.

    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("sklearn"):
            raise
        raise MolsieveError("This command needs scikit-learn.", fix="pip install 'molsieve[train]'") from error
