"""The building blocks of funnel recipes: each kind of step, what it can be told, and how it judges a compound.

A step's ``judge`` is made once a run and called once a compound, in the order of the recipe, for those that earlier
steps left; it returns why the compound is removed, or None. A kind is a class here and an entry of :data:`KINDS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFMCS

from molsieve.chemistry.alerts import CATALOGUES, alerts
from molsieve.chemistry.descriptors import DESCRIPTORS, describe
from molsieve.chemistry.fingerprints import morgan_bits
from molsieve.config import Section
from molsieve.errors import MolsieveError
from molsieve.scoring.classes import antibacterial_class, class_patterns

# A search for a common substructure that takes longer is given up, and the compound removed with that reason.
MCS_TIMEOUT_S = 10

_PROPERTIES = tuple(column.name for column in DESCRIPTORS)

Range = tuple[float | None, float | None]


@dataclass(frozen=True)
class Compound:
    """What a step sees of a compound."""

    mol: Chem.Mol
    fields: Mapping[str, str]
    """The other columns of its row, as text."""

    @cached_property
    def fingerprint(self) -> DataStructs.ExplicitBitVect:
        """Morgan bits, radius 2, 2048."""
        return morgan_bits(self.mol)


@dataclass(frozen=True)
class CompoundList:
    """Compounds that others are compared with."""

    names: tuple[str, ...]
    fingerprints: tuple[DataStructs.ExplicitBitVect, ...]


Judge = Callable[[Compound], str | None]
Lists = Mapping[str, CompoundList]


class RecipeStep(Section):
    """What all steps have in common."""

    kind: str = Field(description="Which building block it is.")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Short name, for programs.")
    title: str = Field(min_length=1, description="What is true of the compounds that remain, for readers.")
    source: str = Field("", description="Where the step or its threshold comes from.")

    def judge(self, lists: Lists) -> Judge:
        """Return the function that says why a compound is removed, or None.

        Args:
            lists: The compound lists of the recipe, by name.

        """
        raise NotImplementedError


class AlertsStep(RecipeStep):
    """Removes compounds with a structural alert of one of the catalogues."""

    kind: Literal["alerts"] = "alerts"
    catalogues: tuple[str, ...] = Field(min_length=1, description=f"Of {', '.join(CATALOGUES)}.")
    at_most: int = Field(0, ge=0, description="Alerts that are let pass.")

    @field_validator("catalogues")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in value if name not in CATALOGUES]:
            msg = f"unknown catalogue {', '.join(unknown)}; known are {', '.join(CATALOGUES)}"
            raise ValueError(msg)
        return value

    def judge(self, lists: Lists) -> Judge:  # noqa: ARG002 - the signature of all steps
        """Name the alerts."""

        def why(compound: Compound) -> str | None:
            found = alerts(compound.mol, self.catalogues)
            if sum(map(len, found.values())) <= self.at_most:
                return None
            return "; ".join(f"{name.upper()}: {', '.join(names)}" for name, names in found.items() if names)

        return why


class SimilarityStep(RecipeStep):
    """Removes compounds that resemble one of a list (Morgan radius 2, 2048 bits)."""

    kind: Literal["similarity"] = "similarity"
    to: str = Field(description="Name of a list of the recipe.")
    metric: Literal["tanimoto", "tversky"] = Field(
        "tanimoto",
        description="tversky is the share of the listed compound's features that are found in the judged one.",
    )
    below: float = Field(gt=0, le=1, description="Compounds with a similarity of this much or more are removed.")
    min_features: int = Field(
        25,
        ge=1,
        description="With tversky: listed compounds with fewer features do not count; phenol is in everything.",
    )

    def judge(self, lists: Lists) -> Judge:
        """Name the most similar compound of the list."""
        listed = lists[self.to]
        least = self.min_features if self.metric == "tversky" else 0
        chosen = [at for at, bits in enumerate(listed.fingerprints) if bits.GetNumOnBits() >= least]
        fingerprints = [listed.fingerprints[at] for at in chosen]

        def why(compound: Compound) -> str | None:
            if self.metric == "tanimoto":
                similarities: Sequence[float] = DataStructs.BulkTanimotoSimilarity(compound.fingerprint, fingerprints)
            else:
                similarities = DataStructs.BulkTverskySimilarity(compound.fingerprint, fingerprints, 0.0, 1.0)
            nearest = max(range(len(similarities)), key=similarities.__getitem__, default=None)
            if nearest is None or similarities[nearest] < self.below:
                return None
            return f"{self.metric.title()} {similarities[nearest]:.2f} to {listed.names[chosen[nearest]]}"

        return why


class CommonSubstructureStep(RecipeStep):
    """Removes compounds whose maximum common substructure with a structure has so many atoms or more."""

    kind: Literal["common_substructure"] = "common_substructure"
    structure: str = Field(description="SMILES; it is read like the compounds, so rings that can be are aromatic.")
    fewer_atoms_than: int = Field(ge=2, description="Compounds that share this many atoms or more are removed.")
    bonds: Literal["exact", "any"] = Field("exact", description="Whether bond orders have to agree.")
    complete_rings: bool = Field(default=True, description="Whether a ring counts only as a whole.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        mol = _molecule(self.structure, smarts=False)
        if mol.GetNumAtoms() < self.fewer_atoms_than:
            msg = (
                f"fewer_atoms_than is {self.fewer_atoms_than}, but {self.structure} has {mol.GetNumAtoms()} atoms: "
                "nothing would ever be removed"
            )
            raise ValueError(msg)
        return self

    def judge(self, lists: Lists) -> Judge:  # noqa: ARG002
        """Say how many atoms are shared."""
        query = _molecule(self.structure, smarts=False)
        exact, loose = rdFMCS.BondCompare.CompareOrderExact, rdFMCS.BondCompare.CompareAny

        def why(compound: Compound) -> str | None:
            found = rdFMCS.FindMCS(
                [compound.mol, query],
                bondCompare=exact if self.bonds == "exact" else loose,
                completeRingsOnly=self.complete_rings,
                timeout=MCS_TIMEOUT_S,
            )
            if found.numAtoms >= self.fewer_atoms_than:
                return f"shares {found.numAtoms} atoms with {self.structure}"
            if found.canceled:
                return f"no answer within {MCS_TIMEOUT_S} s on what it shares with {self.structure}"
            return None

        return why


class SubstructureStep(RecipeStep):
    """Removes compounds that have a substructure, or those that lack it."""

    kind: Literal["substructure"] = "substructure"
    smarts: str
    want: Literal["absent", "present"] = "absent"

    @field_validator("smarts")
    @classmethod
    def _parses(cls, value: str) -> str:
        _molecule(value, smarts=True)
        return value

    def judge(self, lists: Lists) -> Judge:  # noqa: ARG002
        """Say that it is there, or not."""
        pattern = _molecule(self.smarts, smarts=True)

        def why(compound: Compound) -> str | None:
            present = compound.mol.HasSubstructMatch(pattern)
            if present == (self.want == "present"):
                return None
            return f"has {self.smarts}" if present else f"lacks {self.smarts}"

        return why


class ClassStep(RecipeStep):
    """Removes members of known antibiotic classes (``resources/amr/classes.csv``)."""

    kind: Literal["antibacterial_class"] = "antibacterial_class"
    classes: tuple[str, ...] = Field((), description="Classes to remove; all when not given.")

    @field_validator("classes")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = dict.fromkeys(pattern.antibacterial_class for pattern in class_patterns())
        if unknown := [name for name in value if name not in known]:
            msg = f"unknown class {', '.join(unknown)}; known are {', '.join(known)}"
            raise ValueError(msg)
        return value

    def judge(self, lists: Lists) -> Judge:  # noqa: ARG002
        """Name the class."""

        def why(compound: Compound) -> str | None:
            found = antibacterial_class(compound.mol)
            return found if found and (not self.classes or found in self.classes) else None

        return why


class PropertyStep(RecipeStep):
    """Removes compounds with a computed property outside a range."""

    kind: Literal["property"] = "property"
    descriptor: str = Field(description=f"Of {', '.join(_PROPERTIES)}.")
    accept: Range = Field(description="Accepted range, ends included; null leaves a side open.")

    @field_validator("descriptor")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in _PROPERTIES:
            msg = f"unknown property; known are {', '.join(_PROPERTIES)}"
            raise ValueError(msg)
        return value

    @field_validator("accept")
    @classmethod
    def _ordered(cls, value: Range) -> Range:
        return _checked_range(value)

    def judge(self, lists: Lists) -> Judge:  # noqa: ARG002
        """Give the value."""
        at = _PROPERTIES.index(self.descriptor)

        def why(compound: Compound) -> str | None:
            value = float(describe(compound.mol)[at])
            return None if _inside(value, self.accept) else f"{self.descriptor} {value:.4g}"

        return why


class ColumnStep(RecipeStep):
    """Removes compounds by a number in a column of the input, e.g. a published prediction."""

    kind: Literal["column"] = "column"
    column: str = Field(description="Name of the column.")
    accept: Range = Field(description="Accepted range, ends included; null leaves a side open.")

    @field_validator("accept")
    @classmethod
    def _ordered(cls, value: Range) -> Range:
        return _checked_range(value)

    def judge(self, lists: Lists) -> Judge:  # noqa: ARG002
        """Give the value, or say that there is none."""

        def why(compound: Compound) -> str | None:
            text = compound.fields.get(self.column, "")
            try:
                value = float(text)
            except ValueError:
                return f"{self.column} is {text!r}, which is no number" if text else f"{self.column} is empty"
            return None if _inside(value, self.accept) else f"{self.column} {value:.4g}"

        return why


class UniqueStep(RecipeStep):
    """Removes repeated structures; the first of each stays."""

    kind: Literal["unique"] = "unique"

    def judge(self, lists: Lists) -> Judge:  # noqa: ARG002
        """Remember what was seen."""
        seen: set[str] = set()

        def why(compound: Compound) -> str | None:
            smiles = Chem.MolToSmiles(compound.mol)
            if smiles in seen:
                return "the same structure stands above"
            seen.add(smiles)
            return None

        return why


KINDS: dict[str, type[RecipeStep]] = {
    kind.model_fields["kind"].default: kind
    for kind in (
        AlertsStep,
        SimilarityStep,
        CommonSubstructureStep,
        SubstructureStep,
        ClassStep,
        PropertyStep,
        ColumnStep,
        UniqueStep,
    )
}


def _molecule(text: str, *, smarts: bool) -> Chem.Mol:
    mol: Any = Chem.MolFromSmarts(text) if smarts else Chem.MolFromSmiles(text)
    if mol is None or not mol.GetNumAtoms():
        msg = f"{text!r} is not a {'SMARTS' if smarts else 'SMILES'} RDKit can read"
        raise ValueError(msg)
    found: Chem.Mol = mol
    return found


def _checked_range(value: Range) -> Range:
    low, high = value
    if low is None and high is None:
        raise ValueError("give at least one end of the range: [low, high]")
    if low is not None and high is not None and low > high:
        raise ValueError("must be [low, high] with low not above high")
    return value


def _inside(value: float, accept: Range) -> bool:
    low, high = accept
    return (low is None or value >= low) and (high is None or value <= high)


def needed_columns(steps: Sequence[RecipeStep], columns: Sequence[str], where: str) -> None:
    """Refuse a file that lacks a column a step reads.

    Raises:
        MolsieveError: With the columns there are.

    """
    for step in steps:
        if isinstance(step, ColumnStep) and step.column not in columns:
            raise MolsieveError(
                f"the step {step.name!r} reads the column {step.column!r}, which the file does not have",
                where=where,
                fix=f"Columns of the file: {', '.join(columns)}.",
            )
