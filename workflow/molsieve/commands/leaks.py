"""``molsieve models leaks``."""

from pathlib import Path
from typing import Annotated

import typer

from molsieve.commands.options import Workers

EXIT_LEAK = 1


def leaks_command(
    sets: Annotated[
        list[str],
        typer.Argument(
            metavar="SET",
            help="Two or more: labelled files or libraries (options after ::, as in a.csv::structure_column=SMI), "
            "folders of result sets, triage, refine or model directories, the curated training table.",
        ),
    ],
    similar: Annotated[
        float, typer.Option(min=0.3, max=1.0, help="Molecules with a Tanimoto similarity above this are near.")
    ] = 0.9,
    smiles: Annotated[
        str | None, typer.Option("--smiles", metavar="COLUMN", help="Column of the structures in the files.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the ledger with all matches as JSON.")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report as Markdown.")] = None,
    fail: Annotated[
        bool,
        typer.Option(
            "--fail", help="Exit with 1 when two sets share a molecule, hold similar ones, or it is not known."
        ),
    ] = False,
    workers: Workers = 1,
) -> None:
    """Compare sets of molecules: which ones they share, and which are nearly the same.

    Example: molsieve models leaks my_test_set.csv resources/models/triage --fail
    """
    import json
    from dataclasses import asdict

    import torch

    from molsieve.commands.model_folders import SHIPPED, shipped_folder
    from molsieve.errors import MolsieveError
    from molsieve.files import write_text
    from molsieve.training.leak_report import as_markdown, as_text
    from molsieve.training.leak_sources import leak_set
    from molsieve.training.leaks import ledger

    if len(sets) < 2:
        raise MolsieveError("A leak needs two sets of molecules.", fix="Name two or more files, result sets or models.")
    torch.set_num_threads(workers)
    read = []
    for argument, name in zip(sets, _names(sets), strict=True):
        typer.echo(f"reading {name}", err=True)
        is_shipped = argument in SHIPPED and not Path(argument).exists()
        place = str(shipped_folder(argument)) if is_shipped else argument
        read.append(leak_set(place, name=name, smiles_column=smiles, workers=workers))
    found = ledger(read, similar)
    if json_file is not None:
        write_text(json_file, json.dumps(asdict(found), indent=1, ensure_ascii=False) + "\n")
    if report is not None:
        write_text(report, as_markdown(found))
    typer.echo(as_text(found), nl=False)
    if found.unknown:
        typer.echo(f"CAUTION: the molecules of {', '.join(found.unknown)} are not known; they may leak.", err=True)
    if fail and (found.any or found.unknown):
        raise typer.Exit(EXIT_LEAK)


def _names(arguments: list[str]) -> list[str]:
    """Last parts of the paths; of sets that would be called the same, the arguments as they were typed."""
    short = [Path(argument.split("::")[0]).name or argument for argument in arguments]
    return [name if short.count(name) == 1 else argument for name, argument in zip(short, arguments, strict=True)]
