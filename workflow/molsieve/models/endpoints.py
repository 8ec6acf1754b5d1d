"""What a model predicts: endpoints, their tasks and the names of their columns."""

import json
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from molsieve.errors import MolsieveError

# Metadata of a model in its directory.
INFO = "model.json"


class Endpoint(BaseModel):
    """One predicted quantity, defined well enough to be reproduced (OECD principle 1)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """Beginning of the column names, e.g. ``saureus_growth_inhibition``."""
    task: Literal["classification", "regression"]
    family: Literal["activity", "gut", "toxicity", "adme"]
    """Wanted activity; harm to gut bacteria, which tells the spectrum too; toxicity; or fate in the body."""
    title: str
    description: str
    organism: str
    positive_means: str
    """What a positive label stands for; for regression what the value is."""
    unit: str | None = None
    """Unit as it stands in column names; regression only."""
    dataset: str = ""
    """Names of the data sets the labels come from, joined by " + "; filled by curation."""
    n: int = 0
    """Labelled training molecules."""
    n_positive: int = 0
    """Positives among them; 0 for regression."""

    @model_validator(mode="after")
    def _unit_fits_task(self) -> Self:
        if (self.task == "regression") != (self.unit is not None):
            msg = f"{self.name}: regression endpoints have a unit, classification endpoints have none"
            raise ValueError(msg)
        return self

    @property
    def is_regression(self) -> bool:
        """Whether a value rather than a probability is predicted."""
        return self.task == "regression"

    @property
    def value_column(self) -> str:
        """Column of the prediction: ``<name>_prob`` or ``<name>_<unit>``."""
        return f"{self.name}_{self.unit}" if self.is_regression else f"{self.name}_prob"


def read_endpoints(folder: Path) -> tuple[Endpoint, ...]:
    """Endpoints of a model from its ``model.json``; loads neither weights nor torch.

    Raises:
        MolsieveError: There is no model in the folder.

    """
    try:
        entries = json.loads((folder / INFO).read_bytes())["endpoints"]
        return tuple(Endpoint.model_validate(entry) for entry in entries)
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise MolsieveError(
            f"There is no model here: {INFO} cannot be read.",
            where=str(folder),
            fix="Give the folder of a trained model, e.g. resources/models/triage.",
        ) from error
