"""What the owner says about an assay, and the endpoint that it becomes."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import rdkit

from molsieve.chemistry import standardise
from molsieve.errors import MolsieveError
from molsieve.models.endpoints import Endpoint
from molsieve.models.store import FORMAT
from molsieve.results.schema import tables
from molsieve.training.label_cells import Task
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


def endpoint_of(assay: Assay, task: Task, data: LabelledData | None) -> Endpoint:
    """Endpoint of the assay.

    Args:
        assay: What the user says about it.
        task: What its labels are.
        data: Labelled molecules it is trained on, where they are known.

    Raises:
        MolsieveError: The unit cannot be used, or values are too large to be kept.

    """
    regression = task == "regression"
    check_unit(assay.unit, task)
    if data is not None and regression and float(np.abs(data.label).max()) > _LARGEST:
        raise MolsieveError(
            f"There are values as large as {np.abs(data.label).max():.4g}; models keep values up to {_LARGEST:,.0f}.",
            where=data.name,
            fix="Give the logarithm of the values, or a larger unit; quantities over so wide a range are learned "
            "better as logarithms too.",
        )
    return Endpoint(
        name=assay.name,
        task=task,
        family="activity",
        title=assay.title or assay.name,
        description=assay.description,
        organism=assay.organism,
        positive_means=assay.positive_means,
        unit=(assay.unit or "value") if regression else None,
        dataset=assay.name,
        n=data.molecules if data is not None else 0,
        n_positive=int(data.label.sum()) if data is not None and not regression else 0,
    )


def model_facts(assay: Assay, endpoint: Endpoint, *, citation: str, files: Sequence[str]) -> dict[str, Any]:
    """What the metadata of every model of a user's own say alike (``ModelInfo``)."""
    return {
        "format": FORMAT,
        "name": assay.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "endpoints": (endpoint,),
        "standardise_digest": standardise.digest(standardise.StandardiseOptions()),
        "rdkit_version": rdkit.__version__,
        "datasets": (
            {
                "name": assay.name,
                "title": assay.title or assay.name,
                "citation": citation,
                "doi": None,
                "licence": NOT_STATED,
                "files": list(files),
            },
        ),
    }


def check_name(name: str, taken: Collection[str]) -> None:
    """See that columns can be named after an endpoint.

    Args:
        name: Of the endpoint.
        taken: Names that other models have.

    Raises:
        MolsieveError: The name cannot be used, or belongs to something else.

    """
    if not _NAME.fullmatch(name):
        raise MolsieveError(
            f"The name {name!r} cannot be the beginning of column names.",
            where="--name",
            fix="Use small letters, digits and single underscores, beginning with a letter, e.g. my_target.",
        )
    if name in taken:
        raise MolsieveError(
            f"There is an endpoint {name} in the shipped models already.",
            where="--name",
            fix=f"Give yours a name of its own, e.g. our_{name}.",
        )
    if f"{name}_prob" in {column.name for table in tables((), (), ()) for column in table.columns}:
        raise MolsieveError(
            f"Result sets have a column {name}_prob already.",
            where="--name",
            fix=f"Give yours another name, e.g. our_{name}.",
        )


def check_unit(unit: str | None, task: Task | None) -> None:
    """See that a unit can be used.

    Args:
        unit: As given.
        task: What the labels are; None when that is not known yet.

    Raises:
        MolsieveError: It cannot.

    """
    if unit is None:
        return
    if task == "classification":
        raise MolsieveError(
            "A classification has no unit: the labels are classes.",
            where="--unit",
            fix="Leave --unit away, or say --task regression when the labels are values.",
        )
    if not _UNIT.fullmatch(unit):
        raise MolsieveError(
            f"The unit {unit!r} cannot stand in a column name.",
            where="--unit",
            fix="Use letters, digits and single underscores, e.g. log_um or percent.",
        )
