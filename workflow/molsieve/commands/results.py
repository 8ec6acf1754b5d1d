"""``molsieve results``: looking at published result sets."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands import terminal

results_app = typer.Typer(help="Check published result sets and look into them.", no_args_is_help=True)


@results_app.callback()
def _results() -> None:
    """Check published result sets and look into them."""


@results_app.command("verify")
def verify_command(folder: Annotated[Path, typer.Argument(help="Folder of a result set, e.g. results/demo.")]) -> None:
    """Check a result set against the contract: checksums, schemas, and every input row accounted for.

    Example: molsieve results verify results/demo
    """
    from molsieve.results.publish import validate_result_set

    validate_result_set(folder)
    typer.echo(f"{folder}: complete and unchanged")


@results_app.command("ranking")
def ranking_command(
    folder: Annotated[Path, typer.Argument(help="Folder of a result set, e.g. results/drugs.")],
    length: Annotated[int, typer.Option(min=1, help="Compounds of each list.")] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show which known antibacterials come out on top of a run, and which other compounds follow.

    Example: molsieve results ranking results/drugs
    """
    from molsieve.results.ranking import RankingFiles, read_known_similarity, top_of_ranking

    found = top_of_ranking(RankingFiles.of_results(folder), read_known_similarity(folder), length=length)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(found), indent=1, ensure_ascii=False))
        return
    console = terminal.console()
    for title, rows in (("Known antibacterials, best first", found.known), ("Others, best first", found.others)):
        cells = [
            [f"{row.rank:,}", row.identifier, f"{row.profile_prob:.2f}", row.label, row.fate, row.measured or "-"]
            for row in rows
        ]
        headings = ("rank", "compound", "meets", "known as, or nearest known", "in this run", "measured in training")
        console.print(terminal.table(title, headings, cells, text_columns=len(headings)))
        console.print()
    console.print(
        f"Of the {found.top:,} best, {found.known_in_top:,} are known antibacterials or resemble one; of all "
        f"{found.looked_at:,} that were inspected, {found.known_in_all:,}."
    )
