"""Target product profiles: what a good compound is, as configuration."""

import csv
import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from molsieve import project_root
from molsieve.chemistry.descriptors import DESCRIPTORS
from molsieve.config import Section, load_yaml, validated
from molsieve.errors import MolsieveError
from molsieve.models.endpoints import Endpoint
from molsieve.models.gut_spectrum import FAMILY as GUT
from molsieve.results.schema import GUT_SPECTRUM

COMPUTED = {column.name: column for column in DESCRIPTORS}
"""Properties that every compound has."""

SHAPE = ("entry_score", "globularity")
"""Properties of 3-D conformers, which the stage inspect computes for the best compounds alone."""

CATALOGUES = ("brenk", "nih", "reactive", "toxicophores")
"""Alert catalogues that can cost a compound something; PAINS has a gate of its own."""

WHO_FILE = "resources/amr/who_priority_weights.csv"

_KNOWN_DESCRIPTORS = (*COMPUTED, GUT_SPECTRUM, *SHAPE)


class Criterion(Section):
    """One thing asked of a compound.

    It names either ``endpoints`` (classification endpoints and the wanted outcome), or a ``descriptor`` or a
    regression ``endpoint`` with the range that is accepted.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Column prefix in the scores table.")
    title: str = Field(description="What the report calls it.")
    endpoints: tuple[str, ...] = Field((), description="Classification endpoints that are judged together.")
    combine: Literal["any", "all", "weighted"] = Field(
        "all", description="Whether one of the endpoints is enough, all have to be met, or each counts by its weight."
    )
    endpoint_weights: Mapping[str, float] | Literal["who"] | None = Field(
        None,
        description="For combine: weighted, the weight of each endpoint; who takes those of the WHO list of pathogens.",
    )
    want: Literal["active", "inactive"] | None = Field(None, description="The wanted outcome of the endpoints.")
    desirability: tuple[float, float] | None = Field(
        None, description="Probabilities of the wanted outcome at which the desirability is 0 and 1."
    )
    descriptor: str | None = Field(None, description="A computed property of the compounds table, e.g. mw_da.")
    endpoint: str | None = Field(None, description="A regression endpoint.")
    accept: tuple[float | None, float | None] | None = Field(
        None, description="Accepted range; null leaves a side open."
    )
    fade: tuple[float, float] = Field(
        (0.0, 0.0),
        description="Distance outside the accepted range at which the desirability is 0: one number, or one below and "
        "one above.",
    )
    required: bool = Field(
        default=False, description="Counts in the probability of meeting the profile; else it only weighs."
    )
    weight: float = Field(1.0, ge=0, allow_inf_nan=False, description="Weight in the desirability.")
    source: str = Field(min_length=1, description="Where the threshold comes from.")

    @field_validator("fade", mode="before")
    @classmethod
    def _one_fade_is_for_both_sides(cls, value: object) -> object:
        return (value, value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("fade")
    @classmethod
    def _fades_are_distances(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not all(0 <= side < math.inf for side in value):
            raise ValueError("a distance cannot be negative")
        return value

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if [bool(self.endpoints), self.descriptor is not None, self.endpoint is not None].count(True) != 1:
            raise ValueError("give exactly one of endpoints, descriptor and endpoint")
        if self.endpoints:
            self._check_outcome()
        else:
            self._check_range()
        return self

    def _check_outcome(self) -> None:
        if self.want is None or self.desirability is None:
            raise ValueError("endpoints need want (active or inactive) and desirability")
        worst, best = self.desirability
        if not 0 <= worst < best <= 1:
            raise ValueError("desirability must be two probabilities, the worse one first")
        if self.accept is not None or any(self.fade):
            raise ValueError("accept and fade are for ranges; endpoints have desirability")
        if len(set(self.endpoints)) < len(self.endpoints):
            raise ValueError("an endpoint is named twice")
        if (self.combine == "weighted") != (self.endpoint_weights is not None):
            raise ValueError("combine: weighted and endpoint_weights go together")
        if self.combine == "weighted":
            if self.required:
                raise ValueError("a weighted criterion is an expected share, no probability, so it cannot be required")
            self._check_weights()

    def _check_weights(self) -> None:
        weights = self.weight_of_endpoints()
        missing, unknown = set(self.endpoints) - set(weights), set(weights) - set(self.endpoints)
        if missing and self.endpoint_weights == "who":
            raise ValueError(
                f"no WHO priority is known for {', '.join(sorted(missing))}; add a row to {WHO_FILE} or give numbers"
            )
        if missing or (unknown and self.endpoint_weights != "who"):
            raise ValueError("endpoint_weights must name exactly the endpoints")
        if not all(0 <= weight < math.inf for weight in weights.values()):
            raise ValueError("endpoint_weights cannot be negative")
        if not any(weights[name] for name in self.endpoints):
            raise ValueError("at least one endpoint needs a weight above 0")

    def _check_range(self) -> None:
        if self.want is not None or self.desirability is not None or self.endpoint_weights is not None:
            raise ValueError("want, desirability and endpoint_weights are for endpoints; a range has accept and fade")
        low, high = self.accept or (None, None)
        if low is None and high is None:
            raise ValueError("a descriptor or regression endpoint needs accept: [low, high]")
        if any(end is not None and not math.isfinite(end) for end in (low, high)):
            raise ValueError("accept takes numbers; null leaves a side open")
        if low is not None and high is not None and low >= high:
            raise ValueError("accept must be [low, high] with low below high")
        if self.descriptor is not None and self.descriptor not in _KNOWN_DESCRIPTORS:
            hint = _nearest(self.descriptor, _KNOWN_DESCRIPTORS)
            raise ValueError(f"unknown descriptor {self.descriptor!r}{hint}; known are {', '.join(_KNOWN_DESCRIPTORS)}")

    def weight_of_endpoints(self) -> Mapping[str, float]:
        """Weight of each endpoint; equal when the criterion gives none."""
        if self.endpoint_weights == "who":
            return who_weights()
        return self.endpoint_weights or dict.fromkeys(self.endpoints, 1.0)

    def endpoint_names(self) -> tuple[str, ...]:
        """Every endpoint it reads."""
        return self.endpoints or ((self.endpoint,) if self.endpoint else ())

    @property
    def unit(self) -> str | None:
        """Unit of the criterion's raw value; probabilities have none."""
        return COMPUTED[self.descriptor].unit if self.descriptor in COMPUTED else None

    @property
    def description(self) -> str:
        """What the raw value is, for the data dictionary."""
        if self.combine == "weighted":
            weights = self.weight_of_endpoints()
            joined = ", ".join(f"{name} ({weights[name]:g})" for name in self.endpoints)
            return f"{self.title}: expected share, by weight, that the compound is {self.want} in: {joined}."
        if self.endpoints:
            joined = f" {'or' if self.combine == 'any' else 'and'} ".join(self.endpoints)
            return f"{self.title}: probability of being {self.want} in {joined}."
        return f"{self.title}: {self.descriptor or self.endpoint}, accepted range {self.accept}."


class Structure(Section):
    """How structural alerts and known antibacterials are treated."""

    pains: Literal["gate", "flag"] = Field(
        "gate", description="gate keeps compounds with a PAINS alert out of the hits."
    )
    alert_penalties: Mapping[Literal["brenk", "nih", "reactive", "toxicophores"], float] = Field(
        default={"brenk": 0.9},
        description="Factor on the score for each alert of a catalogue, at most three of each; one not named is shown "
        "alone.",
    )
    known_similarity: float | None = Field(
        0.5, gt=0, le=1, description="At this Tanimoto similarity to a known antibacterial a compound is no new hit."
    )
    known_tversky: float | None = Field(
        None,
        gt=0,
        le=1,
        description="The same by the share of a known antibacterial's features that the compound holds (Tversky).",
    )
    known_classes: Literal["gate", "flag"] = Field(
        "gate", description="gate keeps compounds with the pattern of a known antibacterial class out of the hits."
    )

    @property
    def excludes_known(self) -> bool:
        """Whether known antibacterials, or what resembles them, cannot be hits."""
        return self.known_classes == "gate" or self.known_similarity is not None or self.known_tversky is not None

    @field_validator("alert_penalties")
    @classmethod
    def _penalties_are_factors(cls, value: Mapping[str, float]) -> Mapping[str, float]:
        if not all(0 < factor <= 1 for factor in value.values()):
            raise ValueError("a penalty is a factor above 0 and at most 1")
        return value


class Selectivity(Section):
    """Activity against toxicity: the margin between two probabilities."""

    activity: tuple[str, ...] = Field(min_length=1, description="Criteria that want activity; the best one counts.")
    toxicity: tuple[str, ...] = Field(min_length=1, description="Criteria that want no toxicity; the worst one counts.")
    note: str = Field(min_length=1, description="What the margin leaves out, for the reader of the report.")


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
    selectivity: Selectivity | None = None

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
        if self.selectivity is not None:
            self._check_selectivity(self.selectivity)
        return self

    def _check_selectivity(self, selectivity: Selectivity) -> None:
        named = {criterion.name: criterion for criterion in self.criteria}
        for group, wanted in (("activity", "active"), ("toxicity", "inactive")):
            for name in getattr(selectivity, group):
                if name not in named:
                    hint = _nearest(name, named)
                    raise ValueError(f"selectivity.{group} names {name!r}, which is no criterion{hint}")
                if named[name].want != wanted or named[name].combine == "weighted":
                    raise ValueError(
                        f"selectivity.{group} names {name!r}, which does not ask that endpoints are {wanted}"
                    )

    @property
    def asks_for_shape(self) -> bool:
        """Whether a criterion needs conformers."""
        return any(criterion.descriptor in SHAPE for criterion in self.criteria)

    def endpoint_names(self) -> tuple[str, ...]:
        """Every endpoint any criterion reads, in order, each once."""
        return tuple(dict.fromkeys(name for criterion in self.criteria for name in criterion.endpoint_names()))

    def property_names(self) -> tuple[str, ...]:
        """Every property of the prepared table any criterion reads, each once."""
        named = (criterion.descriptor for criterion in self.criteria)
        return tuple(dict.fromkeys(name for name in named if name in COMPUTED))

    def prediction_names(self) -> tuple[str, ...]:
        """Beginnings of the names of all columns of predictions that any criterion reads."""
        asks_spectrum = any(criterion.descriptor == GUT_SPECTRUM for criterion in self.criteria)
        return (*self.endpoint_names(), *((GUT_SPECTRUM,) if asks_spectrum else ()))

    def check_endpoints(self, endpoints: Sequence[Endpoint], where: str) -> None:
        """Refuse a profile that asks for an endpoint no model predicts, or for one of the wrong kind."""
        tasks = {endpoint.name: endpoint.task for endpoint in endpoints}
        for criterion in self.criteria:
            expected = "classification" if criterion.endpoints else "regression"
            for name in criterion.endpoint_names():
                if name not in tasks:
                    raise MolsieveError(
                        f"criterion {criterion.name!r} asks for endpoint {name!r}, which no model predicts"
                        f"{_nearest(name, tasks)}",
                        where=where,
                        fix=f"Endpoints of the installed models: {', '.join(tasks)}.",
                    )
                if tasks[name] != expected:
                    raise MolsieveError(
                        f"criterion {criterion.name!r} uses {name!r} as {expected}, but it is {tasks[name]}",
                        where=where,
                    )
            if criterion.descriptor == GUT_SPECTRUM and not any(endpoint.family == GUT for endpoint in endpoints):
                raise MolsieveError(
                    f"criterion {criterion.name!r} asks for {GUT_SPECTRUM}, but no model predicts gut bacteria",
                    where=where,
                    fix="Use the shipped models, or leave the criterion out.",
                )


@cache
def who_weights() -> Mapping[str, float]:
    """Weight of each activity endpoint by the WHO priority of its pathogen (``resources/amr/README.md``)."""
    with (project_root() / WHO_FILE).open(encoding="utf-8", newline="") as lines:
        return {row["endpoint"]: float(row["weight"]) for row in csv.DictReader(lines)}


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
        known = sorted(file.stem for file in shipped.glob("*.yaml"))
        raise MolsieveError(
            f"unknown profile {name!r}{_nearest(name, known)}",
            where="profile",
            fix=f"Known profiles: {', '.join(known)}; or give the path of a YAML file.",
        )
    return path


def load_profile(path: Path) -> Profile:
    """Read and check a profile file."""
    return validated(Profile, load_yaml(path), str(path), "docs/profiles.md")


def _nearest(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found else ""
