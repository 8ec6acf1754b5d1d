"""``molsieve models explain``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from molsieve.models.endpoints import Endpoint


def explain_command(
    smiles: Annotated[str, typer.Argument(metavar="SMILES", help="The molecule, in quotes.")],
    endpoint: Annotated[
        list[str] | None, typer.Option("--endpoint", "-e", metavar="NAME", help="Endpoint; may be repeated.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="The endpoints of a profile: a shipped name or a YAML file.")
    ] = None,
    tier: Annotated[str, typer.Option(help="Which shipped model: triage or refine.")] = "refine",
    model: Annotated[str | None, typer.Option(metavar="FOLDER", help="Directory of another model.")] = None,
    out: Annotated[
        Path,
        typer.Option(metavar="FOLDER|FILE.html", help="Folder for one SVG an endpoint and qprf.json, or one page."),
    ] = Path("explanation.html"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Predict one molecule and say why: value, uncertainty, domain, the atoms that matter, drawn.

    Without --endpoint and --profile the activity endpoints are explained.

    Example: molsieve models explain "O=C1CN(N=Cc2ccc([N+](=O)[O-])o2)C(=O)N1" --endpoint ames --out report.html
    """
    import json

    from molsieve.chemistry import rdkit_log
    from molsieve.commands.model_folders import SHIPPED, model_folder
    from molsieve.errors import MolsieveError
    from molsieve.files import write_text
    from molsieve.models.endpoints import read_endpoints
    from molsieve.models.explanation_drawing import draw_explanation
    from molsieve.models.qprf import prediction_records, substance_of
    from molsieve.models.qprf_text import as_page, as_text

    if tier not in SHIPPED:
        raise MolsieveError(f"There is no tier '{tier}'.", where="--tier", fix=f"Give {' or '.join(SHIPPED)}.")
    if endpoint and profile:
        raise MolsieveError("Give --endpoint or --profile, not both.")
    folder = model_folder(model or tier)
    rdkit_log.capture()
    substance = substance_of(smiles)
    names = _names(read_endpoints(folder), endpoint or [], profile)
    found = prediction_records(folder, substance, names)
    drawn = [(record, draw_explanation(explanation)) for record, explanation in found]
    document = json.dumps([record.as_dict() for record, _ in drawn], indent=1, ensure_ascii=False)
    if out.suffix.lower() in (".html", ".htm"):
        write_text(out, as_page(drawn))
    else:
        for record, drawing in drawn:
            write_text(out / f"{record.prediction.endpoint}.svg", drawing)
        write_text(out / "qprf.json", document + "\n")
    typer.echo(document if as_json else "\n".join(as_text(record) for record, _ in drawn))
    typer.echo(f"drawn in {out}", err=True)


def _names(endpoints: "Sequence[Endpoint]", asked: list[str], profile: str | None) -> list[str]:
    """Endpoints to explain: those asked for, those of the profile that the model has, or those of activity."""
    from molsieve.errors import MolsieveError
    from molsieve.scoring.profile import load_profile, profile_path

    known = [endpoint.name for endpoint in endpoints]
    if asked:
        return list(dict.fromkeys(asked))
    if profile is not None:
        names = [name for name in load_profile(profile_path(profile)).endpoint_names() if name in known]
        if not names:
            raise MolsieveError(
                f"The model predicts no endpoint of the profile {profile}.",
                fix=f"Its endpoints are {', '.join(known)}.",
            )
        return names
    return [endpoint.name for endpoint in endpoints if endpoint.family == "activity"] or known
