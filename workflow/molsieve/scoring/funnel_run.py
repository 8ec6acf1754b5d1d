"""Putting compounds through a filter recipe."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rdkit import Chem

from molsieve import project_root
from molsieve.chemistry import rdkit_log
from molsieve.chemistry.reasons import RejectedStructure
from molsieve.errors import MolsieveError
from molsieve.library.source import LibrarySource
from molsieve.scoring.funnel import Example, Funnel, Tally
from molsieve.scoring.funnel_files import (
    CompoundFile,
    Row,
    Verdict,
    check_output,
    read_compounds_file,
    read_list,
    write_verdicts,
)
from molsieve.scoring.funnel_recipe import UNREADABLE, Keep, Recipe
from molsieve.scoring.funnel_steps import Compound, CompoundList, Judge, needed_columns

_PROGRESS_ROWS = 50


@dataclass(frozen=True)
class FunnelResult:
    """What a recipe made of a file."""

    funnel: Funnel
    file: CompoundFile
    verdicts: tuple[Verdict, ...]
    """One a row of the file, in its order."""
    lists: Mapping[str, CompoundList]

    @property
    def unreadable(self) -> int:
        """Rows without a structure that RDKit can read."""
        return self.funnel.steps[0].removed


def run_recipe(
    recipe: Recipe,
    compounds: LibrarySource,
    lists: Mapping[str, LibrarySource],
    out: Path | None = None,
    *,
    keep: Mapping[str, Keep] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> FunnelResult:
    """Put every row of a file through a recipe.

    A row without a readable structure is counted and removed first, with its reason; nothing is dropped silently.

    Args:
        recipe: The recipe.
        compounds: File of the compounds.
        lists: Files of the recipe's lists that it does not bring itself, by name.
        out: Where to write the verdict on every row (.parquet or .csv); nothing is written when not given.
        keep: Rows that count in a list, where they are not those the recipe says.
        on_progress: Called with the rows done and the rows there are.

    Raises:
        MolsieveError: A file cannot be read, a list is missing or broken, a column that a step reads is not there.

    """
    rdkit_log.capture()
    if out is not None:
        check_output(out)
    as_read = recipe.structures == "as_read"
    sources = _list_sources(recipe, lists)
    wanted = {name: (keep or {}).get(name, recipe.lists[name].keep) for name in sources}
    file = read_compounds_file(compounds)
    if file.are_all_columns:
        needed_columns(recipe.steps, file.columns, file.where)
    loaded = {name: read_list(name, source, wanted[name], as_read=as_read) for name, source in sources.items()}
    judges = [(step.name, step.judge(loaded)) for step in recipe.steps]
    titles = [(UNREADABLE, "Readable structures"), *((step.name, step.title) for step in recipe.steps)]
    tally = Tally("Rows read", titles)
    verdicts = []
    for done, row in enumerate(file.rows, start=1):
        verdict, smiles = _judge(file, row, judges, as_read=as_read)
        verdicts.append(verdict)
        tally.enter(1)
        if verdict.removed_by is not None:
            tally.remove(verdict.removed_by)
            tally.show(verdict.removed_by, Example(row.identifier, smiles, verdict.reason or ""))
        if on_progress and (done % _PROGRESS_ROWS == 0 or done == len(file.rows)):
            on_progress(done, len(file.rows))
    if out is not None:
        write_verdicts(out, file, verdicts)
    return FunnelResult(tally.funnel(), file, tuple(verdicts), loaded)


def _list_sources(recipe: Recipe, given: Mapping[str, LibrarySource]) -> dict[str, LibrarySource]:
    if unknown := [name for name in given if name not in recipe.lists]:
        raise MolsieveError(
            f"the recipe {recipe.name} has no list {unknown[0]!r}",
            where="--list",
            fix=f"Its lists: {', '.join(recipe.lists) or 'none'}.",
        )
    sources = {}
    for name in recipe.compared_lists:
        entry = recipe.lists[name]
        if name in given:
            sources[name] = given[name]
        elif entry.file is not None:
            sources[name] = LibrarySource(path=str(project_root() / entry.file))
        else:
            raise MolsieveError(
                f"the recipe {recipe.name} compares with a list that you have to give: {entry.title}",
                where="the command line",
                fix="Add --training FILE." if name == "training" else f"Add --list {name}=FILE.",
            )
    return sources


def _judge(
    file: CompoundFile, row: Row, judges: list[tuple[str, Judge]], *, as_read: bool
) -> tuple[Verdict, str | None]:
    """Verdict on a row, and its SMILES where it has a structure."""
    try:
        compound: Compound = file.compound(row, as_read=as_read)
    except RejectedStructure as rejected:
        return Verdict(UNREADABLE, f"{rejected.reason_code}: {rejected.detail}"), None
    for name, judge in judges:
        reason = judge(compound)
        if reason is not None:
            return Verdict(name, reason), Chem.MolToSmiles(compound.mol)
    return Verdict(None, None), None
