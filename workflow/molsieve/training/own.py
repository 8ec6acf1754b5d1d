"""Somebody's own assay becomes a model: trained, cross-validated, calibrated, with its domain and its card.

    data = read_labelled("plate7.csv", "SMILES", "active", None)
    result = train_own(data, Assay(name="my_target"), load_model(Path("resources/models/triage")), out, settings)
    print(result.verdict)

The model is one directory of tier ``triage`` on the features of the prepared table, so it runs over whole libraries.
"""

import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import sklearn
import torch
from numpy.typing import NDArray
from rdkit import Chem
from scipy.stats import spearmanr

from molsieve import __version__
from molsieve.chemistry.descriptors import DESCRIPTORS, describe
from molsieve.chemistry.fingerprints import sparse_morgan
from molsieve.errors import MolsieveError
from molsieve.models.endpoints import Endpoint
from molsieve.models.features import SparseFeatures
from molsieve.models.info import Domain, ModelInfo, NetworkFacts, Scale
from molsieve.models.model import Model, NetworkPart
from molsieve.models.record import TrainingRecord, connectivity_hash
from molsieve.models.store import save_model, weights_bytes
from molsieve.training.assemble import Evaluated, evaluate
from molsieve.training.card import card_json, render_card
from molsieve.training.curation import scaffold_of
from molsieve.training.data import TrainingData
from molsieve.training.evaluation import OutOfFold
from molsieve.training.fit import Progress
from molsieve.training.labelled import LabelledData, MoleculeSplit
from molsieve.training.own_assay import Assay, check_name, endpoint_of, model_facts
from molsieve.training.own_folds import HeldOut, has_scaffold_folds, random_split, scaffold_split, user_split
from molsieve.training.own_parts import BOOSTERS_FROM, OwnParts, fit_parts
from molsieve.training.own_validation import (
    Comparison,
    Recipe,
    compare,
    held_out_metrics,
    held_out_sets,
    out_of_fold,
)
from molsieve.training.phrases import counted
from molsieve.training.row_account import ANSWERS_IN_BASE, Decision
from molsieve.training.significance import beats_chance
from molsieve.training.warm_start import WarmOptions

# Small sets are split several times, because one split of them says little.
REPEATS = 3
SPLIT_ONCE_FROM = 2000
# A curve of errors over fewer bins than this shows no limit.
LEAST_BINS = 3
# Labels of the base and one's own, on molecules that both have, are nearly the same from this rank correlation.
SAME_LABELS = 0.8
LEAST_SHARED = 20


@dataclass(frozen=True)
class Settings:
    """How to train."""

    seed: int = 0
    threads: int = 1
    repeats: int = REPEATS
    network: WarmOptions = field(default_factory=WarmOptions)


@dataclass(frozen=True)
class OwnModel:
    """A model that was written, and what to tell its owner."""

    info: ModelInfo
    comparison: Comparison | None
    is_better_than_chance: bool
    scheme: str
    """The splitting that the verdict rests on."""
    decisions: tuple[Decision, ...]
    """About training and evaluation; those about the rows are in ``LabelledData``."""
    seconds: float

    @property
    def verdict(self) -> str:
        """How good the model is, in a sentence or two."""
        among = {"scaffold": "on new scaffolds", "random": "on random folds", "split": "on your split"}[self.scheme]
        metrics = self.info.metrics[self.info.name][self.scheme]
        name = "r2" if self.info.endpoints[0].is_regression else "auroc"
        own = metrics["model"].get(name)
        if not own:
            return "No held-out set has both classes, so nothing can be said about how good the model is."
        single = len(own["folds"]) == 1
        shown = f"{_METRICS[name]} {own['mean']:.2f}" + ("" if single else f" ± {own['sd']:.2f}") + f" {among}"
        if not self.is_better_than_chance:
            what = "the mean of the labels" if name == "r2" else "chance"
            return f"{shown}: not clearly better than {what}. Do not choose compounds by it."
        if any(decision.code == ANSWERS_IN_BASE for decision in self.decisions):
            base = self.info.training["starts_from"]["name"]
            return (
                f"{shown}: not to be believed, for the model {base} that it starts from has seen nearly these labels. "
                "Only molecules that it does not know can tell how good this one is."
            )
        if self.comparison is None:
            return f"{shown}."
        baseline = _BASELINES[self.comparison.baseline]
        other = f"{metrics[self.comparison.baseline][name]['mean']:.2f}"
        if single:
            return f"{shown}, {baseline} {other}; a single held-out set does not tell them apart."
        words = {
            "better": f"better than {baseline} ({other})",
            "worse": f"worse than {baseline} ({other}); that simpler model ranks these molecules better",
            "no different": f"no different from {baseline} ({other}) within the noise",
        }
        return f"{shown}: {words[self.comparison.verdict]}."


_METRICS = {"auroc": "AUROC", "r2": "R2"}
_BASELINES = {
    "forest": "an untuned forest",
    "neighbours": "the five nearest neighbours",
    "logp_mw": "logP and molecular weight alone",
}


def train_own(
    data: LabelledData,
    assay: Assay,
    base: Model,
    out: Path,
    settings: Settings,
    *,
    split: MoleculeSplit | None = None,
    progress: Progress | None = None,
) -> OwnModel:
    """Train, cross-validate and write a model of one endpoint.

    Args:
        data: Labelled molecules.
        assay: What they are.
        base: Model whose network the new one starts from; takes Morgan features.
        out: Model directory to write.
        settings: How to train.
        split: The user's own split, evaluated beside the others.
        progress: Called with steps done and steps in all.

    Raises:
        MolsieveError: The name or unit is not usable, the base is of another kind, or values are too large.

    """
    started = time.perf_counter()
    torch.set_num_threads(settings.threads)
    check_name(assay.name, {e.name for e in base.endpoints})
    endpoint = endpoint_of(assay, data.task, data)
    recipe = Recipe(_donor(base), settings.network, data.molecules >= BOOSTERS_FROM, settings.seed, settings.threads)
    table, scaffolds = _training_data(data, endpoint)
    order = {key: i for i, key in enumerate(data.connectivity)}
    splits, decisions = _splits(table, scaffolds, settings)
    if split is not None:
        held_out, names = user_split(data, split)
        folds = held_out.folds[[order[key] for key in table.connectivity]]
        splits["split"] = [HeldOut(folds, held_out.tested)]
        shown = ", ".join(names[i] for i in held_out.tested)
        text = f"Your split: {shown} held out in turn. The final model is trained on all molecules."
        decisions += [*split.decisions, Decision("split_used", len(names), text)]
    total = sum(len(s.tested) for repeats in splits.values() for s in repeats) + 1
    counter = _Counter(total, progress)
    predicted = {
        scheme: [out_of_fold(table, s, _repeat(recipe, i), counter.step) for i, s in enumerate(repeats)]
        for scheme, repeats in splits.items()
    }
    scheme = "scaffold" if "scaffold" in predicted else "random"
    evaluated, more = _evaluated(table, splits, predicted, scheme, base.info)
    decisions += [*more, *_known_to_base(table, base)]
    fitted = fit_parts(
        recipe.donor,
        table.morgan,
        table.targets[:, 0],
        endpoint.name,
        regression=endpoint.is_regression,
        with_boosters=recipe.with_boosters,
        options=recipe.options,
        seed=recipe.seed,
        threads=recipe.threads,
    )
    counter.step()
    info = _info(data, assay, endpoint, evaluated, fitted, base, settings, splits, decisions)
    info = info.model_copy(
        update={"training": info.training | {"seconds": {"all": round(time.perf_counter() - started, 1)}}}
    )
    record = TrainingRecord.of(table.connectivity, table.fingerprints(np.arange(table.molecules)), table.targets)
    weights = weights_bytes([fitted.network], fitted.boosters, record)
    trust = evaluated.trust
    save_model(out, info, trust, weights, render_card(info, trust), card_json(info, trust))
    judged = "split" if split is not None else scheme
    sets = held_out_sets(table, predicted[judged], splits[judged][0].tested)
    ratio = float(np.mean([s.test_to_train for s in splits[judged]]))
    return OwnModel(
        info=info,
        comparison=compare(info.metrics[endpoint.name][judged], ratio, regression=endpoint.is_regression),
        is_better_than_chance=beats_chance(sets, regression=endpoint.is_regression, test_to_train=ratio),
        scheme=judged,
        decisions=tuple(decisions),
        seconds=time.perf_counter() - started,
    )


def _repeat(recipe: Recipe, repeat: int) -> Recipe:
    return recipe._replace(seed=recipe.seed + 100 * repeat)


class _Counter:
    def __init__(self, total: int, progress: Progress | None) -> None:
        self.done, self.total, self.progress = 0, total, progress

    def step(self) -> None:
        """One more step is done."""
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total)


def _donor(base: Model) -> NetworkPart:
    if base.info.features != "morgan" or not base.networks:
        raise MolsieveError(
            f"A model of your own starts from a network on Morgan fingerprints; {base.info.name} is none.",
            where="--base",
            fix="Name the shipped triage model.",
        )
    return base.networks[0]


def _training_data(data: LabelledData, endpoint: Endpoint) -> tuple[TrainingData, list[str]]:
    """Molecules in the order of their connectivity, so that the order of the file changes nothing; and scaffolds."""
    order = np.argsort(data.connectivity.astype(str), kind="stable")
    smiles = [str(data.parent_smiles[i]) for i in order]
    mols = [Chem.MolFromSmiles(s) for s in smiles]
    found = [sparse_morgan(mol) for mol in mols]
    features = SparseFeatures(
        np.concatenate([ids for ids, _ in found]),
        np.concatenate([counts for _, counts in found]),
        np.cumsum([0, *(len(ids) for ids, _ in found)]).astype(np.int64),
        np.array([describe(mol) for mol in mols], dtype=np.float32),
    )
    table = TrainingData(
        endpoints=(endpoint,),
        connectivity=[str(data.connectivity[i]) for i in order],
        parent_smiles=smiles,
        targets=data.label[order, None].astype(np.float32),
        morgan=features,
    )
    return table, [scaffold_of(mol) for mol in mols]


def _splits(
    table: TrainingData, scaffolds: list[str], settings: Settings
) -> tuple[dict[str, list[HeldOut]], list[Decision]]:
    labels = table.targets[:, 0].astype(float)
    regression = table.endpoints[0].is_regression
    repeats = 1 if table.molecules >= SPLIT_ONCE_FROM else settings.repeats
    seeds = [settings.seed + i for i in range(repeats)]
    splits = {"random": [random_split(labels, regression=regression, seed=s) for s in seeds]}
    times = f"{counted(repeats, 'time')}"
    if has_scaffold_folds(scaffolds):
        by_scaffold = [scaffold_split(scaffolds, labels, regression=regression, seed=s) for s in seeds]
        text = f"Judged by five folds of new scaffolds and five random folds, {times} each."
        return {"scaffold": by_scaffold, **splits}, [Decision("folds", repeats, text)]
    text = (
        f"Most molecules share one scaffold, so new scaffolds cannot be tested: judged by five random folds, {times}. "
        "Expect worse on other series."
    )
    return splits, [Decision("folds_random", repeats, text)]


def _evaluated(
    table: TrainingData,
    splits: dict[str, list[HeldOut]],
    predicted: dict[str, list[OutOfFold]],
    scheme: str,
    base: ModelInfo,
) -> tuple[Evaluated, list[Decision]]:
    """Metrics over all repeats; trust and domain from the first, for they need one prediction a molecule."""
    name = table.endpoints[0].name
    now = datetime.now(UTC).isoformat(timespec="seconds")
    evaluated = evaluate(table, predicted[scheme][0], {}, date=now)
    entry = dict(evaluated.metrics[name])
    entry.pop("scaffold")
    for key, repeats in predicted.items():
        entry[key] = held_out_metrics(table, repeats, splits[key][0].tested)
    domain, decisions = _domain(evaluated.domain, base)
    what = "out-of-fold predictions over new scaffolds" if scheme == "scaffold" else "out-of-fold predictions"
    fitted = {n: f.model_copy(update={"on": what}) for n, f in evaluated.trust.fitted.items()}
    trust = evaluated.trust.model_copy(update={"fitted": fitted})
    return evaluated.model_copy(update={"metrics": {name: entry}, "domain": domain, "trust": trust}), decisions


def _domain(own: Domain, base: ModelInfo) -> tuple[Domain, list[Decision]]:
    """The limit from these data where they show one, else that of the base model."""
    errors = own.statistics.get("relative_error", [])
    bins = sum(error is not None for error in errors)
    if bins >= LEAST_BINS and own.max_unseen_fraction < 1.0:
        return own, [Decision("domain", bins, f"Domain: at most {own.max_unseen_fraction:.0%} unseen substructures.")]
    limit = base.domain.max_unseen_fraction
    why = "too few molecules to see where errors rise" if bins < LEAST_BINS else "no rise of the errors was seen"
    text = f"Domain: at most {limit:.0%} unseen substructures, the limit of the model {base.name} ({why})."
    statistics = own.statistics | {"limit_of": base.name, "why": why}
    return Domain(max_unseen_fraction=limit, statistics=statistics), [Decision("domain_of_base", bins, text)]


def _known_to_base(table: TrainingData, base: Model) -> list[Decision]:
    hashes = np.array([connectivity_hash(key) for key in table.connectivity], dtype=np.uint64)
    known = int(np.isin(hashes, base.record.hashes).sum())
    if not known:
        return []
    text = (
        f"{known:,} of {counted(table.molecules, 'molecule')} are training molecules of the model {base.info.name} "
        "too. If one of its endpoints measures nearly the same, these results look better than they are."
    )
    return [Decision("known_to_base", known, text), *_answers_in_base(table, hashes, base)]


def _answers_in_base(table: TrainingData, hashes: NDArray[np.uint64], base: Model) -> list[Decision]:
    """Endpoints of the base whose labels are nearly these: its network has learned the answers it is tested on."""
    own = dict(zip(hashes.tolist(), table.targets[:, 0].tolist(), strict=True))
    found = []
    for place, endpoint in enumerate(base.endpoints):
        rows, labels = base.record.labelled(place)
        pairs = [
            (own[key], float(label))
            for key, label in zip(base.record.hashes[rows].tolist(), labels, strict=True)
            if key in own
        ]
        if len(pairs) < LEAST_SHARED:
            continue
        ours, theirs = np.array(pairs).T
        if min(np.ptp(ours), np.ptp(theirs)) > 0:
            alike = float(spearmanr(ours, theirs).statistic)
            if abs(alike) >= SAME_LABELS:
                found.append((endpoint.name, len(pairs), alike))
    if not found:
        return []
    found.sort(key=lambda item: -item[1] * abs(item[2]))
    named = ", ".join(f"{name} ({n:,} molecules, rank correlation {alike:.2f})" for name, n, alike in found[:3])
    text = (
        f"The model {base.info.name}, which this one starts from, was trained on nearly these labels: {named}. "
        "The held-out figures, the calibration and the sets are too good: new molecules will do worse."
    )
    return [Decision(ANSWERS_IN_BASE, found[0][1], text)]


def _info(
    data: LabelledData,
    assay: Assay,
    endpoint: Endpoint,
    evaluated: Evaluated,
    fitted: OwnParts,
    base: Model,
    settings: Settings,
    splits: dict[str, list[HeldOut]],
    decisions: list[Decision],
) -> ModelInfo:
    network = fitted.network
    scaling = fitted.scaling
    return ModelInfo(
        **model_facts(assay, endpoint, citation=f"own data: {assay.source or data.name}", files=[data.name]),
        tier="triage",
        features="morgan",
        descriptors=tuple(column.name for column in DESCRIPTORS),
        networks=(
            NetworkFacts(
                shape=network.network.shape,
                fingerprints=("morgan",),
                descriptors=tuple(int(column) for column in network.descriptors),
            ),
        ),
        has_boosters=fitted.boosters is not None,
        stack={endpoint.name: (0.5, 0.5) if fitted.boosters is not None else (1.0,)},
        curation={
            "rows": data.rows.num_rows,
            "molecules": data.molecules,
            "decisions": [asdict(decision) for decision in (*data.decisions, *decisions)],
        },
        splits={
            "seed": settings.seed,
            "schemes": {scheme: len(repeats) for scheme, repeats in splits.items()},
            "molecules": {
                scheme: [np.bincount(s.folds).tolist() for s in repeats] for scheme, repeats in splits.items()
            },
        },
        training={
            "molecules": data.molecules,
            "seed": settings.seed,
            "options": asdict(settings.network),
            "starts_from": {"name": base.info.name, "created": base.info.created},
            "versions": {
                "molsieve": __version__,
                "torch": torch.__version__,
                "scikit-learn": sklearn.__version__,
            },
        },
        scales={endpoint.name: Scale(mean=float(scaling.mean[0]), sd=float(scaling.sd[0]))}
        if endpoint.is_regression
        else {},
        domain=evaluated.domain,
        metrics=evaluated.metrics,
    )
