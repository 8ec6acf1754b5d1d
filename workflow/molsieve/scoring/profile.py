"""Target product profiles: what a good compound is, as configuration."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from molsieve import project_root
from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.config import Section, load_yaml, validated
from molsieve.errors import MolsieveError
from molsieve.models.endpoints import Endpoint

DESCRIPTOR_COLUMNS = {column.name: column for column in DESCRIPTORS}


class Criterion(Section):
    """One thing asked of a compound.

    It names either ``endpoints`` (classification endpoints and the wanted outcome), or a ``descriptor`` or a
    regression ``endpoint`` with the range that is accepted.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Column prefix in the scores table.")
    title: str = Field(description="What the report calls it.")
    endpoints: tuple[str, ...] = Field((), description="Classification endpoints that are judged together.")
    combine: Literal["any", "all"] = Field("all", description="Whether one of the endpoints is enough.")
    want: Literal["active", "inactive"] | None = Field(None, description="The wanted outcome of the endpoints.")
    desirability: tuple[float, float] | None = Field(
        None, description="Probabilities of the wanted outcome at which the desirability is 0 and 1."
    )
    descriptor: str | None = Field(None, description="A computed property of the compounds table, e.g. mw_da.")
    endpoint: str | None = Field(None, description="A regression endpoint.")
    accept: tuple[float | None, float | None] | None = Field(
        None, description="Accepted range; null leaves a side open."
    )
    fade: float = Field(0.0, ge=0, description="Distance outside the accepted range at which the desirability is 0.")
    required: bool = Field(
        default=False, description="Counts in the probability of meeting the profile; else it only weighs."
    )
    weight: float = Field(1.0, ge=0, description="Weight in the desirability.")
    source: str = Field(description="Where the threshold comes from.")

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if [bool(self.endpoints), self.descriptor is not None, self.endpoint is not None].count(True) != 1:
            raise ValueError("give exactly one of endpoints, descriptor and endpoint")
        if self.endpoints:
            if self.want is None or self.desirability is None:
                raise ValueError("endpoints need want (active or inactive) and desirability")
            worst, best = self.desirability
            if not 0 <= worst < best <= 1:
                raise ValueError("desirability must be two probabilities, the worse one first")
            return self
        low, high = self.accept or (None, None)
        if low is None and high is None:
            raise ValueError("a descriptor or regression endpoint needs accept: [low, high]")
        if low is not None and high is not None and low >= high:
            raise ValueError("accept must be [low, high] with low below high")
        if self.descriptor is not None and self.descriptor not in DESCRIPTOR_COLUMNS:
            raise ValueError(f"unknown descriptor {self.descriptor!r}; known are {', '.join(DESCRIPTOR_COLUMNS)}")
        return self

    def endpoint_names(self) -> tuple[str, ...]:
        """Every endpoint it reads."""
        return self.endpoints or ((self.endpoint,) if self.endpoint else ())

    @property
    def unit(self) -> str | None:
        """Unit of the criterion's raw value; probabilities have none."""
        return DESCRIPTOR_COLUMNS[self.descriptor].unit if self.descriptor else None

    @property
    def description(self) -> str:
        """What the raw value is, for the data dictionary."""
        if self.endpoints:
            joined = f" {'or' if self.combine == 'any' else 'and'} ".join(self.endpoints)
            return f"{self.title}: probability of being {self.want} in {joined}."
        return f"{self.title}: {self.descriptor or self.endpoint}, accepted range {self.accept}."


class Structure(Section):
    """How structural alerts and known antibacterials are treated."""

    pains: Literal["gate", "flag"] = Field(
        "gate", description="gate keeps compounds with a PAINS alert out of the hits."
    )
    brenk_penalty: float = Field(
        0.9, gt=0, le=1, description="Factor on the score for each BRENK alert, at most three."
    )
    known_similarity: float = Field(
        0.5, gt=0, le=1, description="At this Tanimoto similarity to a known antibacterial a compound is no new hit."
    )


class Profile(Section):
    """A target product profile: criteria that a candidate should meet together."""

    name: str
    title: str
    description: str
    controls_endpoint_note: str = Field(
        "", description="What the spiked controls can and cannot say about this profile."
    )
    controls: Literal["antibacterial", "none"] = Field(
        "antibacterial",
        description="Whether known antibacterials should come out on top; none: they say nothing about this profile.",
    )
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    structure: Structure = Structure()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        names = [criterion.name for criterion in self.criteria]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"criterion names must differ; repeated: {', '.join(repeated)}")
        if all(criterion.weight == 0 for criterion in self.criteria):
            raise ValueError("at least one criterion needs a weight above 0")
        if not any(criterion.required for criterion in self.criteria):
            raise ValueError("at least one criterion must be required: the ranking is the probability of meeting those")
        return self

    def endpoint_names(self) -> tuple[str, ...]:
        """Every endpoint any criterion reads, in order, each once."""
        return tuple(dict.fromkeys(name for criterion in self.criteria for name in criterion.endpoint_names()))

    def check_endpoints(self, endpoints: Sequence[Endpoint], where: str) -> None:
        """Refuse a profile that asks for an endpoint no model predicts, or for one of the wrong kind."""
        tasks = {endpoint.name: endpoint.task for endpoint in endpoints}
        for criterion in self.criteria:
            expected = "classification" if criterion.endpoints else "regression"
            for name in criterion.endpoint_names():
                if name not in tasks:
                    raise MolsieveError(
                        f"criterion {criterion.name!r} asks for endpoint {name!r}, which no model predicts",
                        where=where,
                        fix=f"Endpoints of the installed models: {', '.join(tasks)}.",
                    )
                if tasks[name] != expected:
                    raise MolsieveError(
                        f"criterion {criterion.name!r} uses {name!r} as {expected}, but it is {tasks[name]}",
                        where=where,
                    )


def profile_path(name: str) -> Path:
    """File of a profile given by name or by path.

    Raises:
        MolsieveError: Neither a shipped profile nor a file.

    """
    shipped = project_root() / "config" / "profiles"
    if name.endswith((".yaml", ".yml")):
        if Path(name).is_file():
            return Path(name)
        raise MolsieveError(f"profile file {name} does not exist", where="profile")
    path = shipped / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in shipped.glob("*.yaml")))
        raise MolsieveError(
            f"unknown profile {name!r}",
            where="profile",
            fix=f"Known profiles: {known}; or give the path of a YAML file.",
        )
    return path


def load_profile(path: Path) -> Profile:
    """Read and check a profile file."""
    return validated(Profile, load_yaml(path), str(path))
