"""``molsieve training``: the steps from public data to a model directory; ``snakemake train`` runs them in order."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # they load pandas and torch, which --help need not wait for
    import pyarrow as pa

    from molsieve.models.endpoints import Endpoint
    from molsieve.training.datasets import Registry
    from molsieve.training.fit import TrainOptions

app = typer.Typer(help="Train the models from public data.", no_args_is_help=True)

RegistryFile = Annotated[Path, typer.Option("--registry", help="Dataset registry.")]
TableFile = Annotated[Path, typer.Option("--table", help="Curated table.")]
SplitsFile = Annotated[Path, typer.Option("--splits", help="Folds of every molecule.")]
Seed = Annotated[int, typer.Option(help="Seed.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Epochs, instead of the default.")]

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
    """Assign every molecule to five scaffold folds and five random folds, by hashes.

    Example: molsieve training split --table training/curated.parquet --out training/splits.parquet
    --frozen resources/splits/triage.json
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
def fold(
    table: TableFile,
    splits: SplitsFile,
    scheme: Annotated[str, typer.Option(help="scaffold or random.")],
    fold: Annotated[int, typer.Option(min=0, help="Fold held out.")],
    out: Annotated[Path, typer.Option(help="Predictions to write.")],
    registry: RegistryFile = REGISTRY,
    seed: Seed = 20261122,
    threads: Threads = 1,
    epochs: Epochs = None,
) -> None:
    """Train the network on four folds and predict the fifth.

    Example: molsieve training fold --table training/curated.parquet --splits training/splits.parquet --scheme scaffold
    --fold 0 --out training/oof/scaffold-0.safetensors
    """
    import torch

    from molsieve.training.fit import TrainingData, fit_fold
    from molsieve.training.splits import read_folds

    torch.set_num_threads(threads)
    data = TrainingData(*_curated(table, registry))
    fitted = fit_fold(data, read_folds(splits, scheme), fold, out, options=_options(epochs), seed=seed + fold)
    typer.echo(f"{scheme} fold {fold}: trained in {fitted.seconds:.0f} s")


@app.command()
def baseline(
    table: TableFile,
    splits: SplitsFile,
    scheme: Annotated[str, typer.Option(help="scaffold or random.")],
    fold: Annotated[int, typer.Option(min=0, help="Fold held out.")],
    out: Annotated[Path, typer.Option(help="Predictions to write.")],
    registry: RegistryFile = REGISTRY,
    seed: Seed = 20261122,
    threads: Threads = 1,
) -> None:
    """Fit forests and logistic regressions on four folds and predict the fifth.

    Example: molsieve training baseline --table training/curated.parquet --splits training/splits.parquet
    --scheme scaffold --fold 0 --out training/baselines/scaffold-0.safetensors
    """
    from molsieve.training.baselines import baseline_fold
    from molsieve.training.fit import TrainingData
    from molsieve.training.splits import read_folds

    data = TrainingData(*_curated(table, registry))
    baseline_fold(data, read_folds(splits, scheme), fold, out, seed=seed, threads=threads)


@app.command()
def fit(
    table: TableFile,
    weights: Annotated[Path, typer.Option(help="Weights to write.")],
    facts: Annotated[Path, typer.Option(help="JSON file to write: options, seed, sizes, seconds.")],
    registry: RegistryFile = REGISTRY,
    seed: Seed = 20261122,
    threads: Threads = 1,
    epochs: Epochs = None,
) -> None:
    """Train the network that ships, on all molecules.

    Example: molsieve training fit --table training/curated.parquet --weights training/final.safetensors
    --facts training/final.json
    """
    import torch

    from molsieve.training.fit import TrainingData, fit_final

    torch.set_num_threads(threads)
    data = TrainingData(*_curated(table, registry))
    fitted = fit_final(data, weights, facts, options=_options(epochs), seed=seed)
    typer.echo(f"{data.molecules:,} molecules: trained in {fitted.seconds:.0f} s")


@app.command()
def evaluate(
    table: TableFile,
    splits: SplitsFile,
    predictions: Annotated[Path, typer.Option(help="Folder of the network's out-of-fold predictions.")],
    baselines: Annotated[Path, typer.Option(help="Folder of the baselines' out-of-fold predictions.")],
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    registry: RegistryFile = REGISTRY,
    threads: Threads = 1,
) -> None:
    """Metrics, calibration and domain from the out-of-fold predictions; prints the benchmark table.

    Example: molsieve training evaluate --table training/curated.parquet --splits training/splits.parquet
    --predictions training/oof --baselines training/baselines --out training/evaluation.json
    """
    import torch

    from molsieve.training.assemble import evaluate as run
    from molsieve.training.evaluation import headline, read_out_of_fold
    from molsieve.training.fit import TrainingData
    from molsieve.training.splits import SCHEMES, read_folds

    torch.set_num_threads(threads)
    data = TrainingData(*_curated(table, registry))
    found = {s: read_out_of_fold(predictions, s, read_folds(splits, s), baselines) for s in SCHEMES}
    typer.echo(headline(data.endpoints, run(data, found, out)["metrics"]))


@app.command()
def assemble(
    curation: Annotated[Path, typer.Option(help="Report of the curation.")],
    frozen: Annotated[Path, typer.Option(help="Committed digests of the splits.")],
    weights: Annotated[Path, typer.Option(help="Weights of the final training.")],
    facts: Annotated[Path, typer.Option(help="Facts of the final training.")],
    evaluation: Annotated[Path, typer.Option(help="Result of evaluate.")],
    model: Annotated[Path, typer.Option(help="Model directory to write.")],
    registry: RegistryFile = REGISTRY,
) -> None:
    """Write the model directory: weights, metadata and model card.

    Example: molsieve training assemble --curation training/curation.json --frozen resources/splits/triage.json
    --weights training/final.safetensors --facts training/final.json --evaluation training/evaluation.json
    --model resources/models/triage
    """
    from molsieve.training.assemble import assemble as run

    info = run(_registry(registry), curation, frozen, weights, facts, evaluation, model)
    typer.echo(f"{model}: {len(info.endpoints)} endpoints, weights {info.weights_sha256[:16]}")


@app.command()
def card(model: Annotated[Path, typer.Argument(help="Model directory.")]) -> None:
    """Write MODEL_CARD.md again from model.json.

    Example: molsieve training card resources/models/triage
    """
    from molsieve.files import write_text
    from molsieve.models.store import CARD, read_info
    from molsieve.training.card import render_card

    write_text(model / CARD, render_card(read_info(model)))
    typer.echo(model / CARD)


def _curated(table: Path, registry: Path) -> "tuple[pa.Table, tuple[Endpoint, ...]]":
    from molsieve.training.curation import read_table

    found = _registry(registry)
    return read_table(table, found.endpoints), found.endpoints


def _registry(path: Path) -> "Registry":
    from molsieve.training.datasets import load_registry

    return load_registry(path)


def _options(epochs: int | None) -> "TrainOptions":
    from molsieve.training.fit import TrainOptions

    return TrainOptions(**({} if epochs is None else {"epochs": epochs}))
