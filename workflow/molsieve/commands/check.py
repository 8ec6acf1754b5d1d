"""``molsieve check``."""

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from molsieve.library.check import Example, Failure, LibraryCheck

_SHOWN_COLUMNS = 12
_MAX_CELL = 40


def check_command(
    libraries: Annotated[
        list[str],
        typer.Argument(
            metavar="LIBRARY",
            help="Files, folders, globs or URLs; options after ::, as in a.csv::structure_column=SMILES,skip_rows=1",
        ),
    ],
    rows: Annotated[int, typer.Option(min=1, help="Rows to look at in each file.")] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Read the first rows of a library and say what was understood: format, columns, how many structures parse.

    Example: molsieve check vendor.csv.gz more.sdf
    """
    from molsieve.library.check import check
    from molsieve.library.source import LibrarySource

    checks = check([LibrarySource.parse(library) for library in libraries], rows)
    if as_json:
        typer.echo(json.dumps([_as_json(found) for found in checks], indent=1, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for found in checks:
        _show(console, found)


def _as_json(found: "LibraryCheck") -> dict[str, object]:
    return {
        **dataclasses.asdict(found),
        "examples": [example._asdict() for example in found.examples],
        "failures": [failure._asdict() for failure in found.failures],
    }


def _show(console: Console, found: "LibraryCheck") -> None:
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _facts(found):
        facts.add_row(name, escape(value))
    console.print(f"[bold]{escape(found.source)}[/bold]")
    console.print(facts)
    if found.examples:
        console.print(_table(console, "First structures", found.examples, ("row", "identifier", "structure")))
    if found.failures:
        console.print(
            _table(console, "First failures", found.failures, ("row", "identifier", "structure", "reason", "detail"))
        )
    for warning in found.warnings:
        console.print(f"[yellow]warning:[/yellow] {escape(warning)}", soft_wrap=True)
    console.print()


def _facts(found: "LibraryCheck") -> list[tuple[str, str]]:
    columns = ", ".join(found.columns[:_SHOWN_COLUMNS])
    if len(found.columns) > _SHOWN_COLUMNS:
        columns += f" and {len(found.columns) - _SHOWN_COLUMNS} more"
    share = f" ({found.parsed / found.rows:.1%})" if found.rows else ""
    what = "all rows" if found.whole_file else "the first rows"
    facts = [
        ("file", found.location),
        ("format", " ".join([found.format, *([f"in {found.compression}"] if found.compression else [])])),
        ("encoding", found.encoding or ""),
        ("delimiter", found.delimiter or ""),
        ("title lines", str(found.title_lines) if found.title_lines else ""),
        ("header", "" if found.header is None else "yes" if found.header else "none"),
        ("data fields" if found.format == "sdf" else "columns", columns),
        ("structures", found.structure_column or ("molblocks" if found.format == "sdf" else "")),
        ("identifiers", found.id_column or "none"),
        ("looked at", f"{found.rows:,} rows, {what}"),
        ("parse", f"{found.parsed:,}{share}"),
    ]
    return [(name, value) for name, value in facts if value]


def _table(console: Console, title: str, rows: "Sequence[Example | Failure]", headings: tuple[str, ...]) -> Table:
    texts = [[" ".join(str("" if cell is None else cell).split()) for cell in row] for row in rows]
    widths = [min(_MAX_CELL, max(map(len, column))) for column in zip(headings, *texts, strict=True)]
    structure = headings.index("structure")
    # Structures give way on a narrow terminal; what identifies the row stays.
    widths[structure] = max(20, console.width - sum(widths) + widths[structure] - 2 * len(widths))
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for index, (heading, width) in enumerate(zip(headings, widths, strict=True)):
        if index == structure:
            table.add_column(heading, overflow="ellipsis", no_wrap=True, max_width=width)
        else:
            table.add_column(heading, overflow="fold", max_width=width)
    for row in texts:
        table.add_row(*map(escape, row))
    return table
