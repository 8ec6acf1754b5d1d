"""``molsieve training``: the steps from public data to a model directory; ``snakemake train`` runs them in order."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # they load pandas and torch, which --help need not wait for
    import pyarrow as pa

    from molsieve.models.endpoints import Endpoint
    from molsieve.training.components import Component
    from molsieve.training.data import TrainingData
    from molsieve.training.datasets import Registry
    from molsieve.training.fit import TrainOptions

from molsieve.errors import MolsieveError

app = typer.Typer(help="Train the models from public data.", no_args_is_help=True)

RegistryFile = Annotated[Path, typer.Option("--registry", help="Dataset registry.")]
TableFile = Annotated[Path, typer.Option("--table", help="Curated table.")]
SplitsFile = Annotated[Path, typer.Option("--splits", help="Folds of every molecule.")]
Seed = Annotated[int, typer.Option(help="Seed.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Epochs, instead of the default.")]

RichFile = Annotated[Path, typer.Option("--rich", help="Features written by 'training featurise'.")]
TeacherFiles = Annotated[
    list[Path] | None, typer.Option("--teacher", help="Parts that teach the student; may be repeated.")
]

REGISTRY = Path("config/datasets.yaml")


@app.command()
def curate(
    out: Annotated[Path, typer.Option(help="Table to write.")],
    report: Annotated[Path, typer.Option(help="Report to write.")],
    registry: RegistryFile = REGISTRY,
    cache: Annotated[Path, typer.Option(help="Folder for downloads.")] = Path("training/downloads"),
    threads: Threads = 1,
) -> None:
    """Standardise, aggregate and deduplicate the data sets into one multi-task table.

    Example: molsieve training curate --out training/curated.parquet --report training/curation.json
    """
    from molsieve.chemistry.standardise import StandardiseOptions
    from molsieve.training.curation import curate as run

    summary = run(_registry(registry), out, report, options=StandardiseOptions(), cache=cache, workers=threads)
    typer.echo(f"{summary.molecules:,} molecules; table digest {summary.table_digest}")
    for name, dataset in summary.datasets.items():
        typer.echo(
            f"  {name}: {dataset.rows:,} rows, {sum(dataset.rejected.values()):,} rejected, {dataset.labels:,} labels"
        )


@app.command()
def split(
    table: TableFile,
    out: Annotated[Path, typer.Option(help="Folds to write.")],
    frozen: Annotated[Path, typer.Option(help="Committed digests to compare with.")],
    registry: RegistryFile = REGISTRY,
    seed: Seed = 20261122,
    freeze: Annotated[bool, typer.Option("--freeze", help="Write the digests instead of comparing.")] = False,
) -> None:
    """Assign every molecule to five folds under each scheme (scaffold, random, cluster, ...), by hashes.

    Example: molsieve training split --table training/curated.parquet --out training/splits.parquet
    --frozen resources/splits/folds.json
    """
    from molsieve.training.curation import read_table, table_digest
    from molsieve.training.splits import check_frozen, write_frozen
    from molsieve.training.splits import split as run

    endpoints = _registry(registry).endpoints
    curated = read_table(table, endpoints)
    digests = run(curated, endpoints, out, seed=seed)
    (write_frozen if freeze else check_frozen)(frozen, digests, table_digest(curated, endpoints))
    for scheme, found in digests.items():
        typer.echo(f"{scheme}: {found.digest}, molecules in each fold {', '.join(map(str, found.molecules))}")


@app.command()
def featurise(
    table: TableFile,
    out: Annotated[Path, typer.Option(help="Features to write.")],
    threads: Threads = 1,
) -> None:
    """Compute the features of the reference models for all training molecules.

    Example: molsieve training featurise --table training/curated.parquet --out training/rich.safetensors --threads 2
    """
    import pyarrow.parquet as pq

    from molsieve.training.data import write_rich

    parents = pq.read_table(table, columns=["parent_smiles"])["parent_smiles"].to_pylist()
    write_rich(parents, out, workers=threads)
    typer.echo(f"{len(parents):,} molecules described")


@app.command()
def fold(
    component: Annotated[str, typer.Argument(help="morgan, rich, boosters or student.")],
    table: TableFile,
    splits: SplitsFile,
    rich: RichFile,
    scheme: Annotated[str, typer.Option(help="scaffold, random, cluster, random1, random2 or random3.")],
    fold: Annotated[int, typer.Option(min=0, help="Fold held out.")],
    out: Annotated[Path, typer.Option(help="Predictions to write.")],
    family: Annotated[list[str] | None, typer.Option(help="Predict this family alone; may be repeated.")] = None,
    teacher: TeacherFiles = None,
    registry: RegistryFile = REGISTRY,
    seed: Seed = 20261122,
    threads: Threads = 1,
    epochs: Epochs = None,
) -> None:
    """Train one part of the models on four folds and predict the fifth.

    A network learns all endpoints, whichever are predicted.

    Example: molsieve training fold rich --table training/curated.parquet --splits training/splits.parquet
    --rich training/rich.safetensors --scheme scaffold --fold 0 --out training/oof/rich-scaffold-0.safetensors
    """
    import numpy as np

    from molsieve.training.components import fit_component, predict_fold, teacher_outputs
    from molsieve.training.splits import read_folds

    data, folds = _data(table, registry, rich), read_folds(splits, scheme)
    held_out, endpoints = folds == fold, None
    if family:
        endpoints = np.flatnonzero([e.family in family for e in data.endpoints])
        held_out &= ~np.isnan(data.targets[:, endpoints]).all(axis=1)
        if component == "boosters":
            # They learn one endpoint at a time.
            data, endpoints = data.of_endpoints(endpoints), None
    fitted = fit_component(
        data,
        np.flatnonzero(folds != fold),
        _component(component),
        options=_options(_component(component), epochs),
        seed=seed + fold,
        threads=threads,
        families=family,
        soft=teacher_outputs(teacher) if teacher else None,
    )
    everywhere = component != "student" and scheme == "scaffold" and not family
    rows = np.flatnonzero(held_out)
    predict_fold(fitted, data, rows, out, endpoints=endpoints, everywhere=everywhere, threads=threads)
    typer.echo(f"{component}, {scheme} fold {fold}: trained in {fitted.seconds:.0f} s")


@app.command()
def final(
    component: Annotated[str, typer.Argument(help="morgan, rich, boosters or student.")],
    table: TableFile,
    rich: RichFile,
    out: Annotated[Path, typer.Option(help="Trained part to write.")],
    teacher: TeacherFiles = None,
    registry: RegistryFile = REGISTRY,
    seed: Seed = 20261122,
    threads: Threads = 1,
    epochs: Epochs = None,
) -> None:
    """Train one part of the models that ship, on all molecules.

    Example: molsieve training final rich --table training/curated.parquet --rich training/rich.safetensors
    --out training/final/rich.safetensors
    """
    import numpy as np

    from molsieve.training.components import fit_component, load_component, save_component, stack_outputs

    data = _data(table, registry, rich)
    soft = None
    if teacher:
        stack = [load_component(_component(path.stem), path) for path in teacher]
        soft = stack_outputs(stack, data, threads)
    rows = np.arange(data.molecules)
    part = _component(component)
    fitted = fit_component(data, rows, part, options=_options(part, epochs), seed=seed, threads=threads, soft=soft)
    save_component(fitted, out)
    typer.echo(f"{component}: trained on {data.molecules:,} molecules in {fitted.seconds:.0f} s")


@app.command()
def baseline(
    table: TableFile,
    splits: SplitsFile,
    scheme: Annotated[str, typer.Option(help="scaffold, random, cluster, random1, random2 or random3.")],
    fold: Annotated[int, typer.Option(min=0, help="Fold held out.")],
    out: Annotated[Path, typer.Option(help="Predictions to write.")],
    family: Annotated[list[str] | None, typer.Option(help="Only endpoints of this family; may be repeated.")] = None,
    registry: RegistryFile = REGISTRY,
    seed: Seed = 20261122,
    threads: Threads = 1,
) -> None:
    """Fit forests, neighbours and logistic regressions on four folds and predict the fifth.

    Example: molsieve training baseline --table training/curated.parquet --splits training/splits.parquet
    --scheme scaffold --fold 0 --out training/baselines/scaffold-0.safetensors
    """
    from molsieve.training.baselines import baseline_fold
    from molsieve.training.splits import read_folds

    data, folds = _data(table, registry, None), read_folds(splits, scheme)
    names = None
    if family:
        data, names = data.of_families(family)
        folds = folds[names]
    baseline_fold(data, folds, fold, out, names=names, seed=seed, threads=threads)


@app.command()
def evaluate(
    tier: Annotated[str, typer.Argument(help="triage or refine.")],
    table: TableFile,
    splits: SplitsFile,
    predictions: Annotated[Path, typer.Option(help="Folder of the parts' out-of-fold predictions.")],
    baselines: Annotated[Path, typer.Option(help="Folder of the baselines' out-of-fold predictions.")],
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    stored: Annotated[Path | None, typer.Option(help="Parquet file to keep the predictions in.")] = None,
    registry: RegistryFile = REGISTRY,
    threads: Threads = 1,
) -> None:
    """Metrics, calibration, conformal scores and domain from the out-of-fold predictions; prints the benchmark table.

    Example: molsieve training evaluate refine --table training/curated.parquet --splits training/splits.parquet
    --predictions training/oof --baselines training/baselines --out training/evaluation-refine.json
    """
    import torch

    from molsieve.training.assemble import write_evaluated
    from molsieve.training.benchmark import evaluate_tier
    from molsieve.training.evaluation import headline

    torch.set_num_threads(threads)
    data = _data(table, registry, None)
    evaluated = evaluate_tier(data, tier, splits, predictions, baselines, stored)
    write_evaluated(evaluated, out)
    typer.echo(headline(data, evaluated.metrics))


@app.command()
def extrapolate(
    case: Annotated[str, typer.Argument(help="class:NAME, transfer:ENDPOINT, gut:SEED or tox21:SEED.")],
    table: TableFile,
    splits: SplitsFile,
    rich: RichFile,
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    registry: RegistryFile = REGISTRY,
    cache: Annotated[Path, typer.Option(help="Folder for downloads.")] = Path("training/downloads"),
    seed: Seed = 20261122,
    threads: Threads = 1,
    epochs: Epochs = None,
) -> None:
    """Train without a class, on one screen alone or by a published split, and rank what was left out.

    Example: molsieve training extrapolate class:quinolone --table training/curated.parquet
    --splits training/splits.parquet --rich training/rich.safetensors --out training/extrapolation/class-quinolone.json
    """
    import json

    from molsieve.files import write_text
    from molsieve.training.cases import run_case

    found = run_case(
        case,
        _data(table, registry, rich),
        _registry(registry),
        splits,
        cache=cache,
        seed=seed,
        threads=threads,
        options=_options("rich", epochs),
    )
    write_text(out, json.dumps(found) + "\n")
    typer.echo(json.dumps(found))


@app.command()
def summarise(
    cases: Annotated[list[Path], typer.Argument(help="Results of extrapolate.")],
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    evaluation: Annotated[Path, typer.Option(help="Result of evaluate refine.")],
) -> None:
    """Put the cases and the published protocols into the tables of the model card.

    Example: molsieve training summarise training/extrapolation/*.json --evaluation training/evaluation-refine.json
    --out training/extrapolation.json
    """
    import json

    from molsieve.files import write_text
    from molsieve.training.cases import tables

    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(cases)]
    metrics = json.loads(evaluation.read_text(encoding="utf-8"))["metrics"]
    write_text(out, json.dumps(tables(found, metrics), indent=1) + "\n")


@app.command()
def assemble(
    tier: Annotated[str, typer.Argument(help="triage or refine.")],
    table: TableFile,
    curation: Annotated[Path, typer.Option(help="Report of the curation.")],
    frozen: Annotated[Path, typer.Option(help="Committed digests of the splits.")],
    final: Annotated[Path, typer.Option(help="Folder of the trained parts.")],
    evaluation: Annotated[Path, typer.Option(help="Result of evaluate.")],
    model: Annotated[Path, typer.Option(help="Model directory to write.")],
    extrapolation: Annotated[Path | None, typer.Option(help="Result of extrapolate.")] = None,
    grades: Annotated[Path | None, typer.Option(help="benchmarks/explanations.json, graded explanations.")] = None,
    registry: RegistryFile = REGISTRY,
) -> None:
    """Write a model directory: weights, metadata, trust and model card.

    Example: molsieve training assemble refine --table training/curated.parquet --curation training/curation.json
    --frozen resources/splits/folds.json --final training/final --evaluation training/evaluation-refine.json
    --model resources/models/refine
    """
    import json

    from molsieve.training.assemble import Sources, read_evaluated
    from molsieve.training.assemble import assemble as run
    from molsieve.training.card import grade_rows

    data = _data(table, registry, None)
    sources = Sources(_registry(registry), curation, frozen, final)
    found = {} if extrapolation is None else json.loads(extrapolation.read_text(encoding="utf-8"))
    graded = None if grades is None else grade_rows(json.loads(grades.read_text(encoding="utf-8")), tier)
    info = run(data, sources, tier, read_evaluated(evaluation), model, extrapolation=found, grades=graded)
    typer.echo(f"{model}: {len(info.endpoints)} endpoints")


@app.command()
def benchmark(
    models: Annotated[Path, typer.Option(help="Folder of the models triage and refine.")] = Path("resources/models"),
    stored: Annotated[Path, typer.Option(help="Folder of their out-of-fold predictions.")] = Path(
        "resources/out_of_fold"
    ),
) -> None:
    """Print the tables of docs/models.md, computed from the stored out-of-fold predictions.

    Example: molsieve training benchmark
    """
    from molsieve.models.store import read_info
    from molsieve.training.benchmark_tables import benchmark_tables
    from molsieve.training.stored_predictions import read_stored, with_stored

    computed = [with_stored(read_info(models / t), read_stored(stored / f"{t}.parquet")) for t in ("refine", "triage")]
    typer.echo(benchmark_tables(*computed), nl=False)


@app.command()
def document(
    page: Annotated[Path, typer.Argument(help="Markdown page with a benchmark part.")] = Path("docs/models.md"),
    models: Annotated[Path, typer.Option(help="Folder of the models triage and refine.")] = Path("resources/models"),
) -> None:
    """Write the tables of docs/models.md again from the models' metadata.

    Example: molsieve training document docs/models.md
    """
    from molsieve.files import write_text
    from molsieve.models.store import read_info
    from molsieve.training.benchmark_tables import documented

    text = page.read_text(encoding="utf-8")
    write_text(page, documented(text, read_info(models / "refine"), read_info(models / "triage")))
    typer.echo(page)


@app.command()
def card(model: Annotated[Path, typer.Argument(help="Model directory.")]) -> None:
    """Write MODEL_CARD.md again from model.json.

    Example: molsieve training card resources/models/triage
    """
    from molsieve.files import write_text
    from molsieve.models.store import CARD, CARD_JSON, read_info, verify, write_checksums
    from molsieve.models.trust import read_trust
    from molsieve.training.card import card_json, render_card

    verify(model)
    info, trust = read_info(model), read_trust(model)
    write_text(model / CARD, render_card(info, trust))
    write_text(model / CARD_JSON, card_json(info, trust))
    write_checksums(model)
    typer.echo(model / CARD)


def _curated(table: Path, registry: Path) -> "tuple[pa.Table, tuple[Endpoint, ...]]":
    from molsieve.training.curation import read_table

    found = _registry(registry)
    return read_table(table, found.endpoints), found.endpoints


def _data(table: Path, registry: Path, rich: Path | None) -> "TrainingData":
    from molsieve.training.data import read_rich, training_data

    return training_data(*_curated(table, registry), None if rich is None else read_rich(rich))


def _component(name: str) -> "Component":
    from molsieve.training.components import FEATURES

    if name not in FEATURES:
        raise MolsieveError(f"There is no component '{name}'.", fix=f"Give one of {', '.join(FEATURES)}.")
    return name


def _registry(path: Path) -> "Registry":
    from molsieve.training.datasets import load_registry

    return load_registry(path)


def _options(component: "Component", epochs: int | None) -> "TrainOptions":
    from dataclasses import replace

    from molsieve.training.components import options_of

    options = options_of(component)
    return options if epochs is None else replace(options, epochs=epochs)
