"""``molsieve models list`` and ``show``: what there is, what it predicts, and how good it is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, RenderableType

from molsieve.commands.terminal import console, number, percent, table
from molsieve.errors import MolsieveError
from molsieve.models.part_names import READ_ACROSS, part_weights

if TYPE_CHECKING:
    from molsieve.models.endpoints import Endpoint
    from molsieve.models.info import ModelInfo
    from molsieve.models.trust import Fitted, Trust

TOP_SHARES = (0.0001, 0.001, 0.01, 0.05, 0.2)
SHOWN_PROBABILITIES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)
_FAMILIES = ("activity", "gut", "toxicity", "adme")


def list_command(
    folders: Annotated[
        list[str] | None, typer.Argument(metavar="[FOLDER]...", help="Model directories, or folders that hold some.")
    ] = None,
) -> None:
    """List the shipped models and those in given folders, and whether every byte is as it was written.

    Example: molsieve models list models
    """
    from molsieve.commands.model_folders import shipped_models

    given = [folder for argument in folders or [] for folder in _models_in(Path(argument))]
    rows = [_listed(folder) for folder in [*shipped_models(), *given]]
    if not rows:
        raise MolsieveError(
            "No model was found.", fix="Name the folder of a model, or run 'snakemake train' for the shipped ones."
        )
    headings = ("model", "tier", "endpoints", "size", "trained on", "made", "verified", "folder")
    console().print(table("Models", headings, rows, text_columns=len(headings)))


def show_command(
    model: Annotated[str, typer.Argument(help="triage, refine, or the directory of a model.")],
    endpoint: Annotated[str | None, typer.Option(help="Show one endpoint in full.")] = None,
    prevalence: Annotated[
        float | None,
        typer.Option(help="Share of actives expected in a library, for example 0.001: what the top is then worth."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show what a model predicts and how good it is; with --endpoint one endpoint in full.

    Example: molsieve models show refine --endpoint saureus_growth_inhibition --prevalence 0.001
    """
    import json

    from molsieve.commands.model_folders import model_folder
    from molsieve.models.prior_shift import check_prevalence
    from molsieve.models.store import read_info, verify
    from molsieve.models.trust import read_trust

    if prevalence is not None:
        check_prevalence(prevalence)
        if endpoint is None:
            raise MolsieveError("--prevalence is about one endpoint.", fix="Name it with --endpoint.")
    folder = model_folder(model)
    verify(folder)
    info, trust = read_info(folder), read_trust(folder)
    if endpoint is None:
        if as_json:
            typer.echo(json.dumps(_model_facts(info, folder), indent=1, ensure_ascii=False))
        else:
            _show_model(console(), info, folder)
        return
    facts = info.endpoints[info.endpoint_index(endpoint)]
    if prevalence is not None and facts.is_regression:
        raise MolsieveError(f"{endpoint} is a regression; a prevalence says nothing about it.", fix="Leave it out.")
    document = _endpoint_facts(info, trust, facts, prevalence)
    if as_json:
        typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
    else:
        _show_endpoint(console(), info, document)


def _models_in(folder: Path) -> list[Path]:
    """Return the folder itself when it is a model, else the models in it.

    Raises:
        MolsieveError: There are none.

    """
    from molsieve.models.endpoints import INFO

    if (folder / INFO).is_file():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{INFO}"))
    if not found:
        raise MolsieveError("There is no model here.", where=str(folder), fix=f"A model directory holds {INFO}.")
    return found


def _listed(folder: Path) -> list[str]:
    from molsieve.models.store import read_info, verify

    try:
        info = read_info(folder)
    except MolsieveError as error:
        return [folder.name, "-", "-", "-", "-", "-", f"no: {error.what}", str(folder)]
    try:
        verify(folder)
        verified = "yes"
    except MolsieveError as error:
        verified = f"NO: {error.what}"
    families = Counter(str(e.family) for e in info.endpoints)
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    return [
        info.name,
        info.tier,
        f"{len(info.endpoints)}: " + ", ".join(f"{families[f]} {f}" for f in _FAMILIES if families[f]),
        f"{size / 1e6:.1f} MB",
        f"{info.training['molecules']:,} molecules" if info.training.get("molecules") else "not known",
        info.created[:10],
        verified,
        str(folder),
    ]


def _model_facts(info: "ModelInfo", folder: Path) -> dict[str, Any]:
    return {
        "name": info.name,
        "tier": info.tier,
        "folder": str(folder),
        "created": info.created,
        "features": info.features,
        "rdkit": info.rdkit_version,
        "molecules": info.training.get("molecules") or None,
        "max_unseen_fraction": info.domain.max_unseen_fraction if info.training_is_known else None,
        "endpoints": [
            {
                **_endpoint(info, e),
                "prevalence": _prevalence(e),
                "metrics": {s: _means(m) for s, m in _schemes(info.metrics.get(e.name, {})).items()},
            }
            for e in info.endpoints
        ],
    }


def _show_model(out: Console, info: "ModelInfo", folder: Path) -> None:
    networks = len(info.networks)
    parts = f"{networks} network{'s' if networks != 1 else ''}" + (" and boosted trees" if info.has_boosters else "")
    parts += f", with {READ_ACROSS}," if info.has_read_across else ""
    molecules = f" on {info.training['molecules']:,} molecules" if "molecules" in info.training else ""
    domain = f"at most {percent(info.domain.max_unseen_fraction, 0)} of a molecule's Morgan ids unseen"
    if not info.training_is_known:
        parts, molecules, domain = "a chemprop network", "", "not known, for what it was trained on is not known"
    out.print(f"{info.name} (tier {info.tier}), {folder}")
    out.print(f"{parts}{molecules}, made {info.created[:10]}, RDKit {info.rdkit_version}")
    out.print(f"domain: {domain}")
    scheme = "scaffold" if info.training_is_known else "calibration_set"
    rows = []
    for e in sorted(info.endpoints, key=lambda e: _FAMILIES.index(e.family)):
        how = _headline(info.metrics.get(e.name, {}), scheme, regression=e.is_regression)
        labels = f"{e.n:,}" if info.training_is_known else "not known"
        rows.append([e.name, e.family, e.unit or "class", labels, percent(_prevalence(e)), how])
    out.print()
    headings = ("endpoint", "family", "unit", "labels", "active", _FIGURES_ON[scheme])
    out.print(table("Endpoints", headings, rows, text_columns=3))
    out.print(f"\nOne endpoint in full: molsieve models show {folder} --endpoint {info.endpoints[0].name}")


def _endpoint_facts(
    info: "ModelInfo", trust: "Trust", endpoint: "Endpoint", prevalence: float | None
) -> dict[str, Any]:
    names = set(endpoint.dataset.split(" + "))
    calibration = trust.calibrations.get(endpoint.name)
    scores = trust.conformal.get(endpoint.name)
    interval = trust.intervals.get(endpoint.name)
    fitted: Fitted | None = trust.fitted.get(endpoint.name)
    found: dict[str, Any] = {
        **_endpoint(info, endpoint),
        "model": info.name,
        "tier": info.tier,
        "prevalence": _prevalence(endpoint),
        "sources": [d for d in info.datasets if d.get("name") in names],
        "stack": info.stack.get(endpoint.name),
        "max_unseen_fraction": info.domain.max_unseen_fraction if info.training_is_known else None,
        "calibration": {
            "method": calibration.method if calibration else None,
            "fitted": fitted.model_dump() if fitted else None,
            "conformal_molecules": {"active": len(scores.active), "inactive": len(scores.inactive)} if scores else None,
            "interval": interval.model_dump() if interval else None,
        },
        "metrics": info.metrics.get(endpoint.name, {}),
    }
    if prevalence is not None:
        found["prior_shift"] = _prior_shift(found["metrics"].get("ranking"), endpoint, trust, prevalence)
    return found


def _prior_shift(
    ranking: Mapping[str, Sequence[float]] | None, endpoint: "Endpoint", trust: "Trust", prevalence: float
) -> dict[str, Any]:
    """What the top of a library and single probabilities are worth at another share of actives."""
    from molsieve.models.prior_shift import shifted, top_of_library

    fitted = trust.fitted.get(endpoint.name)
    trained = fitted.n_positive / fitted.n if fitted and fitted.n else _prevalence(endpoint)
    top = (
        top_of_library(
            ranking["fpr"], ranking["tpr"], prevalence, TOP_SHARES, inactives=endpoint.n - endpoint.n_positive
        )
        if ranking
        else []
    )
    probabilities = []
    if trained and 0 < trained < 1:
        new = shifted(_array(SHOWN_PROBABILITIES), trained, prevalence).tolist()
        probabilities = [{"predicted": p, "shifted": s} for p, s in zip(SHOWN_PROBABILITIES, new, strict=True)]
    return {
        "prevalence": prevalence,
        "trained_prevalence": trained,
        "top": [row._asdict() for row in top],
        "probabilities": probabilities,
    }


def _show_endpoint(out: Console, info: "ModelInfo", found: Mapping[str, Any]) -> None:
    out.print(f"{found['name']}, model {found['model']} (tier {found['tier']})")
    labels = "not known" if found["n"] is None else f"{found['n']:,}"
    if found["unit"] is None and found["n"] is not None:
        labels += f", {found['n_positive']:,} active ({percent(found['prevalence'])})"
    calibration, fitted = found["calibration"], found["calibration"]["fitted"]
    domain = f"at most {percent(info.domain.max_unseen_fraction, 0)} of the Morgan ids unseen in training"
    if not info.training_is_known:
        domain = "not known, for the training molecules are not"
    rows = [
        ["title", found["title"]],
        ["meaning", found["description"]],
        ["organism or system", found["organism"]],
        ["value" if found["unit"] else "active means", found["positive_means"]],
        ["unit", found["unit"] or "probability"],
        ["labels", labels],
        *(["source", _source(dataset)] for dataset in found["sources"]),
        ["calibration", _CALIBRATIONS.get(calibration["method"], "none: regression")],
        ["fitted on", f"{fitted['on']}, {fitted['n']:,} labels, {fitted['date'][:10]}" if fitted else "-"],
        ["domain", domain],
    ]
    if found["stack"] and len(found["stack"]) > 1:
        shares = [f"{part} {percent(w, 0)}" for part, w in part_weights(info, found["name"]).items()]
        rows.append(["made of", ", ".join(shares)])
    out.print(table(None, ("", ""), rows, text_columns=2))
    for block in _metric_tables(found["metrics"]):
        out.print()
        out.print(block)
    if not found["metrics"]:
        out.print("\nNo figures are stored with this model; test it with 'molsieve models evaluate'.")
    if "prior_shift" in found:
        _show_prior_shift(out, found["prior_shift"])


def _show_prior_shift(out: Console, found: Mapping[str, Any]) -> None:
    p = found["prevalence"]
    out.print()
    if found["top"]:
        rows = [
            [f"best {100 * r['share']:g} %", percent(r["precision"]), f"{r['enrichment']:.1f}", percent(r["recall"])]
            for r in found["top"]
        ]
        headings = ("of the library", "of them active", "times chance", "of all actives")
        out.print(table(f"Expected of the top when {100 * p:g} % of a library are active", headings, rows))
        if len(rows) < len(TOP_SHARES):
            out.print("Of smaller shares the held-out data have too few inactives to tell.")
    else:
        out.print("How the top of a library does cannot be told: no ranking is stored, or of too few inactives.")
    if found["probabilities"]:
        rows = [[number(r["predicted"], 2), f"{r['shifted']:.2g}"] for r in found["probabilities"]]
        title = f"Probabilities (calibrated at {percent(found['trained_prevalence'])} active) when {100 * p:g} % are"
        out.print()
        out.print(table(title, ("predicted", "there"), rows, text_columns=0))


def _metric_tables(metrics: Mapping[str, Any]) -> list[RenderableType]:
    """Turn stored figures into tables, in the words of a chemist; what has no words here stands as it is stored."""
    found: list[RenderableType] = []
    schemes = _schemes(metrics)
    for scheme, models in schemes.items():
        names = list(dict.fromkeys(name for model in models.values() for name in model))
        rows = [[_WHO.get(who, who), *(_cell(model.get(name)) for name in names)] for who, model in models.items()]
        many = any(len(summary.get("folds", ())) > 1 for model in models.values() for summary in model.values())
        title = _SCHEMES.get(scheme, _words(scheme)) + (", mean ± sd over held-out sets" if many else "")
        found.append(table(title, ("", *map(_words, names)), rows))
    for name, value in metrics.items():
        if name in schemes or name == "ranking":
            continue
        if name == "calibration" and isinstance(value, Mapping):
            found += _calibration(value)
        elif isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
            flat = [_flat(row) for row in value]
            headings = list(dict.fromkeys(key for row in flat for key in row))
            rows = [[(_limit if key in _LIMITS else _cell)(row.get(key)) for key in headings] for row in flat]
            title = _TABLES.get(name, _words(name))
            if name == "conformal" and "exchangeable_active" not in headings:
                title = _CONFORMAL_GIVEN
            found.append(table(title, tuple(map(_words, headings)), rows, text_columns=0))
        else:
            values = _flat(value) if isinstance(value, Mapping) else {"": value}
            told = ", ".join(f"{_words(key)} {_cell(v)}".strip() for key, v in values.items())
            found.append(f"{_TABLES.get(name, _words(name))}: {told}")
    return found


def _calibration(stored: Mapping[str, Any]) -> list[RenderableType]:
    """Expected calibration error, and how often it was right at each probability."""
    before, after = (number(stored.get(name)) for name in ("ece_raw", "ece_cross_fitted"))
    found: list[RenderableType] = [
        f"Expected calibration error {before} before calibration, {after} after it, fitted without the molecules' fold"
    ]
    if bins := stored.get("reliability"):
        rows = [[f"{n:,}", number(predicted), number(observed)] for predicted, observed, n in bins]
        found.append(table("Reliability", ("n", "predicted", "observed"), rows, text_columns=0))
    return found


def _schemes(metrics: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Cross-validated figures: scheme, then who predicted, then figure with mean and sd."""
    found = {}
    for scheme, entry in metrics.items():
        if isinstance(entry, Mapping):
            models = {
                who: m for who, m in entry.items() if isinstance(m, Mapping) and any(map(_is_summary, m.values()))
            }
            if models:
                found[scheme] = {who: {name: v for name, v in m.items() if _is_summary(v)} for who, m in models.items()}
    return found


def _is_summary(value: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(value, Mapping) and "mean" in value


def _means(models: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    return {who: {name: summary["mean"] for name, summary in m.items()} for who, m in models.items()}


def _headline(metrics: Mapping[str, Any], scheme: str, *, regression: bool) -> str:
    """Figures of one scheme beside the forest's, in a line."""
    models = _schemes(metrics).get(scheme, {})
    if not models:
        return "-"
    own = next(iter(models))
    parts = []
    for name in ("mae", "r2") if regression else ("auroc", "auprc"):
        if name in models[own]:
            forest = models.get("forest", {}).get(name)
            beside = f" (forest {forest['mean']:.3f})" if forest else ""
            parts.append(f"{_words(name)} {models[own][name]['mean']:.3f}{beside}")
    return ", ".join(parts) or "-"


def _flat(entry: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in entry.items():
        if isinstance(value, Mapping) and not _is_summary(value):
            found |= _flat(value, f"{prefix}{key} ")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _cell(value: Any) -> str:  # noqa: ANN401 - JSON
    if _is_summary(value):
        return f"{value['mean']:.3f} ± {value['sd']:.3f}" if "sd" in value else f"{value['mean']:.3f}"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) >= 1 else f"{value:.3f}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " to ".join(map(_cell, value)) if len(value) == 2 else f"{len(value)} values"
    return str(value)


def _limit(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


_LIMITS = ("from", "to", "error")
_WHO = {
    "model": "this model",
    "network": "its network alone",
    "morgan": "its network on Morgan ids alone",
    "rich": "its network on all features alone",
    "boosters": "its boosted trees alone",
    "forest": "untuned forest",
    "neighbours": "five nearest neighbours",
    "logp_mw": "logP and weight only",
}
_SCHEMES = {
    "scaffold": "Held out: new scaffolds",
    "random": "Held out: random folds",
    "random1": "Held out: random folds, second seed",
    "random2": "Held out: random folds, third seed",
    "random3": "Held out: random folds, fourth seed",
    "cluster": "Held out: new clusters",
    "split": "Held out: your split",
    "calibration_set": "On the calibration molecules",
}
_FIGURES_ON = {"scaffold": "held-out scaffolds", "calibration_set": "on its calibration molecules"}
_TABLES = {
    "by_similarity": "By Tanimoto similarity to the nearest molecule in training (new scaffolds)",
    "conformal": "Conformal sets over new scaffolds, and when calibrated on random molecules (exchangeable); of either "
    "class 1 - error should be covered",
    "interval": "90 % interval",
    "recalibrated_on": "Recalibrated; calibration, conformal sets or interval cross-validated on",
}
_CONFORMAL_GIVEN = (
    "Conformal sets on the calibration molecules, each fifth judged by the others; of either class 1 - error should be "
    "covered"
)
_CALIBRATIONS = {
    "platt": "platt (a logistic curve)",
    "isotonic": "isotonic (a rising step curve)",
    "none": "none: probabilities as the network gives them",
}
_WORDS = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R2",
    "positives": "active",
    "coverage_active": "active covered",
    "coverage_inactive": "inactive covered",
    "exchangeable_active": "active, exchangeable",
    "exchangeable_inactive": "inactive, exchangeable",
    "single": "one label",
    "both": "both labels",
    "none": "no label",
}


def _words(name: str) -> str:
    return _WORDS.get(name) or " ".join(_WORDS.get(part, part) for part in name.replace("_", " ").split())


def _source(dataset: Mapping[str, Any]) -> str:
    doi = f", doi:{dataset['doi']}" if dataset.get("doi") else ""
    return f"{dataset.get('citation') or dataset.get('title', '')}{doi}; licence {dataset.get('licence', 'not stated')}"


def _endpoint(info: "ModelInfo", endpoint: "Endpoint") -> dict[str, Any]:
    """What an endpoint is; numbers of labels only where the training molecules are known."""
    unknown = {} if info.training_is_known else {"n": None, "n_positive": None}
    return endpoint.model_dump() | unknown


def _prevalence(endpoint: "Endpoint") -> float | None:
    return None if endpoint.is_regression or not endpoint.n else endpoint.n_positive / endpoint.n


def _array(values: Sequence[float]) -> Any:  # noqa: ANN401 - numpy is imported late
    import numpy as np

    return np.array(values, dtype=np.float64)
