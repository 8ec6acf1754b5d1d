"""``molsieve report`` and ``molsieve publish``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molsieve.commands.options import SummaryFile
from molsieve.commands.summary import summarised

if TYPE_CHECKING:
    from molsieve.results.facts import RunFacts

WorkFolder = Annotated[Path, typer.Argument(help="Work folder of the run.")]
Configuration = Annotated[
    str, typer.Option(metavar="FILE|JSON", help="Configuration of the run: a YAML file, or the keys as JSON text.")
]


def report_command(
    work: WorkFolder,
    out: Annotated[Path, typer.Argument(help="HTML file to write.")],
    config: Configuration,
    summary: SummaryFile = None,
) -> None:
    """Render the report of a run as one self-contained HTML file.

    Example: molsieve report work/demo work/demo/report.html --config work/demo/config.yaml
    """
    from molsieve.results.report import report

    with summarised("report", summary) as stage:
        stage.done(report(work, out, facts=run_facts(work, config)))


def publish_command(
    work: WorkFolder,
    results: Annotated[Path, typer.Argument(help="Folder of the result set; an older one there is replaced.")],
    config: Configuration,
    report: Annotated[Path | None, typer.Option(help="The rendered report; WORK/report.html when not given.")] = None,
    inchikey_limit: Annotated[
        int, typer.Option(min=0, help="Libraries up to this size get an InChIKey for every compound.")
    ] = 50_000,
    summary: SummaryFile = None,
) -> None:
    """Validate the results of a run against the contract and publish them, whole or not at all.

    Example: molsieve publish work/demo results/demo --config work/demo/config.yaml
    """
    from molsieve.results.publish import publish

    with summarised("publish", summary) as stage:
        facts = run_facts(work, config)
        stage.done(publish(work, results, facts=facts, report=report, inchikey_limit=inchikey_limit))


def run_facts(work: Path, config: str) -> "RunFacts":
    """Facts of a run from its work folder and its configuration.

    Args:
        work: Work folder of the run.
        config: A YAML file, or the keys as JSON text.

    Raises:
        MolsieveError: The configuration is wrong, or a file it names is missing.

    """
    import json

    from molsieve import project_root
    from molsieve.config import load_yaml, parse_config
    from molsieve.errors import MolsieveError
    from molsieve.models.endpoints import INFO
    from molsieve.models.reliability import read_reliabilities
    from molsieve.models.store import WEIGHTS
    from molsieve.models.trust import TRUST
    from molsieve.plan import Plan
    from molsieve.results.facts import RunFacts, read_inputs
    from molsieve.results.provenance import sha256_of_file
    from molsieve.scoring.profile import load_profile

    inline = config.lstrip().startswith("{")
    try:
        values = json.loads(config) if inline else load_yaml(Path(config))
    except json.JSONDecodeError as error:
        raise MolsieveError(f"not valid JSON: {error}", where="--config") from None
    plan = Plan(parse_config(values, "--config" if inline else config))
    panel = plan.panel
    profile = load_profile(plan.profile)
    profile.check_endpoints(panel.endpoints, str(plan.profile))
    folders = {"triage": panel.triage.folder, "refine": panel.refine.folder}
    folders |= {f"further-{i}-{model.folder.name}": model.folder for i, model in enumerate(panel.further, start=1)}
    shipped = [project_root() / "resources" / "amr" / name for name in ("classes.csv", "who_priority_weights.csv")]
    resources = [plan.reference, *shipped, *filter(None, [plan.controls])]
    return RunFacts(
        run=plan.config.run,
        config=plan.config.model_dump(mode="json"),
        profile=profile,
        endpoints=panel.endpoints,
        inputs=read_inputs(work / "library" / "records"),
        infos=tuple(
            json.loads((model.folder / INFO).read_bytes()) for model in (panel.refine, *panel.further, panel.triage)
        ),
        models={
            f"{title}/{name}": sha256_of_file(folder / name)
            for title, folder in folders.items()
            for name in (INFO, TRUST, WEIGHTS)
        },
        resources={path.name: sha256_of_file(path) for path in resources},
        reliabilities=read_reliabilities(plan.all_models),
    )
