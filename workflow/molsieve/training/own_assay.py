"""What the owner says about an assay, and the endpoint that it becomes."""

import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from molsieve.errors import MolsieveError
from molsieve.models.endpoints import Endpoint
from molsieve.training.labelled import LabelledData

NOT_STATED = "not stated"

# Labels are kept in half precision, for the labels of nearest neighbours.
_LARGEST = float(np.finfo(np.float16).max)

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_UNIT = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)*")


@dataclass(frozen=True)
class Assay:
    """What the user says about the measurements."""

    name: str
    """Of the endpoint and the model: small letters, digits and underscores."""
    title: str = ""
    description: str = NOT_STATED
    organism: str = NOT_STATED
    positive_means: str = NOT_STATED
    """What a positive label, or the value, stands for."""
    unit: str | None = None
    """Of a regression, as it may stand in a column name, for example ``log_um``."""
    source: str = ""
    """File and digest of the data."""


def endpoint_of(data: LabelledData, assay: Assay, taken: Collection[str]) -> Endpoint:
    """Endpoint of the assay.

    Args:
        data: Labelled molecules.
        assay: What the user says about them.
        taken: Names that other models have.

    Raises:
        MolsieveError: The name or the unit cannot be used, or values are too large to be kept.

    """
    regression = data.task == "regression"
    check_assay(assay, taken, regression=regression)
    if regression and float(np.abs(data.label).max()) > _LARGEST:
        raise MolsieveError(
            f"There are values as large as {np.abs(data.label).max():.4g}; models keep values up to {_LARGEST:,.0f}.",
            where=data.name,
            fix="Give the logarithm of the values, or a larger unit; quantities over so wide a range are learned "
            "better as logarithms too.",
        )
    return Endpoint(
        name=assay.name,
        task=data.task,
        family="activity",
        title=assay.title or assay.name,
        description=assay.description,
        organism=assay.organism,
        positive_means=assay.positive_means,
        unit=(assay.unit or "value") if regression else None,
        dataset=assay.name,
        n=data.molecules,
        n_positive=0 if regression else int(data.label.sum()),
    )


def check_assay(assay: Assay, taken: Collection[str], *, regression: bool) -> None:
    """See that name and unit can be used.

    Raises:
        MolsieveError: They cannot, or another model has the name.

    """
    if not _NAME.fullmatch(assay.name):
        raise MolsieveError(
            f"The name {assay.name!r} cannot be the beginning of column names.",
            where="--name",
            fix="Use small letters, digits and single underscores, beginning with a letter, e.g. my_target.",
        )
    if assay.name in taken:
        raise MolsieveError(
            f"There is an endpoint {assay.name} in the shipped models already.",
            where="--name",
            fix=f"Give yours a name of its own, e.g. our_{assay.name}.",
        )
    if assay.unit is not None and not regression:
        raise MolsieveError(
            "A classification has no unit: the labels are classes.",
            where="--unit",
            fix="Leave --unit away, or say --task regression when the labels are values.",
        )
    if assay.unit is not None and not _UNIT.fullmatch(assay.unit):
        raise MolsieveError(
            f"The unit {assay.unit!r} cannot stand in a column name.",
            where="--unit",
            fix="Use letters, digits and single underscores, e.g. log_um or percent.",
        )
