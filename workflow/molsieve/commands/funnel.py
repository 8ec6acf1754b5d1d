"""``molsieve funnel``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molsieve.commands import terminal

if TYPE_CHECKING:
    from molsieve.library.source import LibrarySource
    from molsieve.scoring.funnel_recipe import Keep, Recipe
    from molsieve.scoring.funnel_run import FunnelResult

_SHOWN_TEXT = 46


def funnel_command(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="Name in config/funnels, e.g. wong2023, or a YAML file.")
    ],
    compounds: Annotated[
        str,
        typer.Argument(
            metavar="COMPOUNDS",
            help="CSV, TSV, SMILES, SDF or Parquet file; options follow ::, e.g. a.csv::structure_column=SMILES",
        ),
    ],
    training: Annotated[
        str | None, typer.Option(help="File of the list 'training', with options after :: as for COMPOUNDS.")
    ] = None,
    lists: Annotated[
        list[str] | None, typer.Option("--list", metavar="NAME=FILE", help="File of another list; may be repeated.")
    ] = None,
    rows: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LIST:COLUMN=VALUE",
            help="Rows of a list that count, e.g. training:active=yes, where the recipe's column is called otherwise.",
        ),
    ] = None,
    structure_column: Annotated[
        str | None, typer.Option(help="Column of COMPOUNDS with the structures; found by reading when not given.")
    ] = None,
    id_column: Annotated[str | None, typer.Option(help="Column of COMPOUNDS with the identifiers.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write every row with what became of it and why, as .parquet or .csv."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Put compounds through a filter recipe and say what each step removed.

    Example: molsieve funnel wong2023 hits.csv --training screen.csv --out verdicts.csv
    """
    from molsieve.library.source import LibrarySource
    from molsieve.scoring.funnel_recipe import load_recipe, recipe_path
    from molsieve.scoring.funnel_run import run_recipe

    wanted = load_recipe(recipe_path(recipe))
    source = LibrarySource.parse(compounds)
    named = {"structure_column": structure_column, "id_column": id_column}
    source = source.model_copy(update={key: value for key, value in named.items() if value})
    sources = _lists(training, lists or [])
    with terminal.progress(f"funnel {wanted.name}") as on_progress:
        result = run_recipe(wanted, source, sources, out, keep=_keep(rows or []), on_progress=on_progress)
    if as_json:
        typer.echo(json.dumps(_as_json(wanted, result), indent=1, ensure_ascii=False))
    else:
        _show(wanted, result, out)


def _lists(training: str | None, lists: list[str]) -> "dict[str, LibrarySource]":
    from molsieve.errors import MolsieveError
    from molsieve.library.source import LibrarySource

    sources = {} if training is None else {"training": LibrarySource.parse(training)}
    for entry in lists:
        name, equals, file = entry.partition("=")
        if not (name and equals and file):
            raise MolsieveError(f"{entry!r} is not NAME=FILE", where="--list", fix="For example --list training=a.csv")
        sources[name] = LibrarySource.parse(file)
    return sources


def _keep(rows: list[str]) -> "dict[str, Keep]":
    from molsieve.errors import MolsieveError
    from molsieve.scoring.funnel_recipe import Keep

    keep = {}
    for entry in rows:
        name, colon, condition = entry.partition(":")
        column, equals, value = condition.rpartition("=")
        if not (name and colon and column and equals):
            raise MolsieveError(
                f"{entry!r} is not LIST:COLUMN=VALUE", where="--rows", fix="For example --rows training:ACTIVITY=1"
            )
        keep[name] = Keep(column=column, equals=value)
    return keep


def _as_json(recipe: "Recipe", result: "FunnelResult") -> dict[str, Any]:
    funnel = result.funnel
    return {
        "recipe": recipe.name,
        "title": recipe.title,
        "source": recipe.source,
        "compounds": result.file.where,
        "structure_column": result.file.structure_column,
        "lists": {name: len(found.names) for name, found in result.lists.items()},
        "read": funnel.start,
        "unreadable": result.unreadable,
        "steps": [
            {
                "name": step.name,
                "title": step.title,
                "removed": step.removed,
                "remaining": step.remaining,
                "examples": [example._asdict() for example in step.examples],
            }
            for step in funnel.steps
        ],
        "survivors": funnel.remaining,
    }


def _show(recipe: "Recipe", result: "FunnelResult", out: Path | None) -> None:
    console = terminal.console()
    funnel = result.funnel
    steps = [["Rows read", f"{funnel.start:,}", ""]]
    steps += [[step.title, f"{step.remaining:,}", f"{step.removed:,}" if step.removed else ""] for step in funnel.steps]
    console.print(terminal.table(recipe.title, ("", "remain", "removed"), steps))
    examples = [
        [step.title if number == 0 else "", _clip(example.identifier), _clip(example.smiles or ""), example.why]
        for step in funnel.steps
        for number, example in enumerate(step.examples)
    ]
    if examples:
        console.print()
        headings = ("step", "compound", "structure", "why")
        console.print(terminal.table("Examples of what each step removed", headings, examples, text_columns=4))
    console.print()
    structures = result.file.structure_column or "the molblocks"
    compared = "".join(f"; {_compounds(len(found.names))} in the list {name}" for name, found in result.lists.items())
    console.print(f"Structures from {structures}{compared}.", markup=False)
    if emptied := funnel.emptied_at():
        console.print(f"Nothing is left: the last went at the step {emptied.title!r}.", markup=False)
    if out is not None:
        console.print(f"Every row with its reason: {out}", markup=False, soft_wrap=True)


def _compounds(number: int) -> str:
    return f"{number:,} compound{'' if number == 1 else 's'}"


def _clip(text: str) -> str:
    return text if len(text) <= _SHOWN_TEXT else f"{text[: _SHOWN_TEXT - 1]}…"
