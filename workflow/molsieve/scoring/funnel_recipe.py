"""Filter recipes as configuration: the triage that papers did in notebooks, step by step, without code.

A recipe names its compound lists and its steps; the kinds of step are those of :mod:`~.funnel_steps`. docs/funnel.md
explains how to write one.
"""

import difflib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from molsieve import project_root
from molsieve.config import Section, load_yaml, validated
from molsieve.errors import MolsieveError
from molsieve.scoring.funnel_steps import KINDS, RecipeStep, SimilarityStep

_FIX = "docs/funnel.md explains every key of a recipe."
UNREADABLE = "readable"


class Keep(Section):
    """Which rows of a list count."""

    column: str = Field(description="Column of the list's file.")
    equals: str | int | float = Field(description="Value it must have; numbers are compared as numbers.")


class ListEntry(Section):
    """A list of compounds that steps compare with."""

    title: str = Field(description="What it holds, for readers.")
    file: str | None = Field(None, description="A file that comes with molsieve; else the user gives one.")
    keep: Keep | None = Field(None, description="Rows that count; all when not given.")


class Recipe(Section):
    """A funnel: what is read, compared and removed, in this order."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="Name on the command line.")
    title: str = Field(min_length=1)
    description: str = Field("", description="What the recipe is for.")
    source: str = Field("", description="Where it was published.")
    structures: Literal["as_read", "parent"] = Field(
        "parent",
        description="parent standardises every structure first, as a run does; as_read takes it as RDKit reads it.",
    )
    lists: dict[str, ListEntry] = Field({}, description="Compound lists by name.")
    steps: tuple[RecipeStep, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        names = [UNREADABLE, *(step.name for step in self.steps)]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            msg = f"step names must differ (and {UNREADABLE!r} is taken); repeated: {', '.join(repeated)}"
            raise ValueError(msg)
        for step in self.steps:
            if isinstance(step, SimilarityStep) and step.to not in self.lists:
                msg = f"the step {step.name!r} compares with the list {step.to!r}, which is not among the lists"
                raise ValueError(msg)
        return self

    @property
    def compared_lists(self) -> tuple[str, ...]:
        """Lists that a step compares with, each once."""
        return tuple(dict.fromkeys(step.to for step in self.steps if isinstance(step, SimilarityStep)))


def recipe_path(name: str) -> Path:
    """File of a recipe given by name or by path.

    Raises:
        MolsieveError: Neither a shipped recipe nor a file.

    """
    shipped = project_root() / "config" / "funnels"
    path = Path(name) if name.endswith((".yaml", ".yml")) else shipped / f"{name}.yaml"
    if path.is_file():
        return path
    known = ", ".join(sorted(file.stem for file in shipped.glob("*.yaml")))
    raise MolsieveError(
        f"there is no funnel {name!r}", where="RECIPE", fix=f"Known: {known}; or give the path of a YAML file."
    )


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises:
        MolsieveError: It is not valid YAML, or a key, value or kind of step is wrong; the step is named.

    """
    values = load_yaml(path)
    entries = values.get("steps")
    if not isinstance(entries, list):
        raise MolsieveError("a recipe needs steps: a list with one entry a step", where=str(path), fix=_FIX)
    try:
        steps = [_step(entry, f"{path}, step {number}") for number, entry in enumerate(entries, start=1)]
        return validated(Recipe, {**values, "steps": steps}, str(path))
    except MolsieveError as error:
        raise MolsieveError(error.what, where=error.where, fix=_FIX) from None


def _step(entry: Any, where: str) -> RecipeStep:  # noqa: ANN401 - whatever the YAML holds
    if not isinstance(entry, dict) or "kind" not in entry:
        raise MolsieveError("a step is a mapping with kind, name and title", where=where)
    kind = str(entry["kind"])
    if kind not in KINDS:
        nearest = difflib.get_close_matches(kind, KINDS, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else f"; known are {', '.join(KINDS)}"
        raise MolsieveError(f"unknown kind of step {kind!r}{hint}", where=where)
    named = f" ({entry['name']})" if isinstance(entry.get("name"), str) else ""
    return validated(KINDS[kind], entry, where + named)
