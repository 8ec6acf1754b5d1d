"""What the spiked controls say about a run: figures, a verdict, and the verdict in words."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from molsieve.scoring.enrichment import Enrichment, Estimate, enrichment, matched_auroc

# Fewer unseen controls than this say little, whatever the figures.
FEW = 20
# Below this lower bound of the AUROC a ranking that separates does so only weakly.
WEAK_AUROC = 0.6
CHANCE = 0.5
# Figures of fewer controls with decoys say nothing; all controls are judged by theirs where fewer unseen ones have any.
FEWEST_MATCHED = 5
# Beyond this mean standardised difference decoys are not matched (Stuart 2010, doi 10.1214/09-STS313).
POORLY_MATCHED = 0.25

Verdict = Literal["good", "weak", "none", "unknown", "not_asked"]
Who = Literal["unseen", "all"]
Against = Literal["library", "decoys", "inactives"]
By = Literal["score", "properties"]
Scores = NDArray[np.float32]

WHO: dict[Who, str] = {
    "unseen": "Known antibacterials, not in the training data",
    "all": "All known antibacterials",
}
AGAINST: dict[Against, str] = {
    "library": "the library",
    "decoys": "their matched decoys",
    "inactives": "known inactives",
}


@dataclass(frozen=True)
class Comparison:
    """Figures of some active controls against some others.

    Attributes:
        title: What is compared, in words.
        who: Whether the actives are those the models never saw, or all.
        against: ``library``, ``decoys`` or ``inactives``.
        by: What ranks them: the run's ``score``, or ``properties`` alone.
        figures: The figures.

    """

    title: str
    who: Who
    against: Against
    by: By
    figures: Enrichment


@dataclass(frozen=True)
class DecoyFacts:
    """How well the decoys are matched.

    Attributes:
        actives: Active controls that decoys were sought for.
        matched: Those with at least one.
        decoys: Decoys of all of them.
        wanted: Decoys wanted for each active.
        max_similarity: Largest similarity to an active control that is allowed.
        imbalance_before: Mean standardised difference of the properties between the actives and the library.
        imbalance_after: The same between the matched actives and their decoys, each active counting once.
        refined: Decoys that the reference models predicted; all actives were.

    """

    actives: int
    matched: int
    decoys: int
    wanted: int
    max_similarity: float
    imbalance_before: float
    imbalance_after: float | None
    refined: int


@dataclass(frozen=True)
class Actives:
    """Scores of the active controls with those of their decoys.

    Attributes:
        scores: Scores, [n].
        unseen: Which of them are in no training data, [n].
        decoys: Scores of the decoys, [d].
        matched_to: Place of each decoy's active, [d].
        by_properties: Scores of actives, library and decoys by properties alone; None when there are too few to fit.

    """

    scores: Scores
    unseen: NDArray[np.bool_]
    decoys: Scores
    matched_to: NDArray[np.int64]
    by_properties: tuple[Scores, Scores, Scores] | None = None

    def of(self, who: Who) -> "Actives":
        """Only those that the models never saw, or all."""
        if who == "all":
            return self
        kept = np.flatnonzero(self.unseen)
        place = np.full(len(self.scores), -1, np.int64)
        place[kept] = np.arange(len(kept))
        theirs = place[self.matched_to] >= 0
        found = self.by_properties
        return Actives(
            self.scores[kept],
            self.unseen[kept],
            self.decoys[theirs],
            place[self.matched_to[theirs]],
            None if found is None else (found[0][kept], found[1], found[2][theirs]),
        )


@dataclass(frozen=True)
class Judgement:
    """Whether the ranking of a run finds known antibacterials.

    Attributes:
        verdict: ``good``, ``weak``, ``none`` (does not separate), ``unknown`` (nothing to compare), ``not_asked`` (the
            profile does not ask for what most known antibacterials are).
        words: The verdict in sentences, the most important first.
        comparisons: The figures behind it.
        own_decoys: Share of its own decoys that an active control beats, over the unseen controls that have any, or
            over all when those are too few.
        own_decoys_by_properties: The same for a ranking by properties alone.
        own_decoys_of: Which controls these are.
        decoys: How well decoys are matched; None when none were sought.

    """

    verdict: Verdict
    words: tuple[str, ...]
    comparisons: tuple[Comparison, ...] = ()
    own_decoys: Estimate | None = None
    own_decoys_by_properties: Estimate | None = None
    own_decoys_of: Who = "all"
    decoys: DecoyFacts | None = None

    @property
    def is_warning(self) -> bool:
        """Whether a reader has to be warned before using the hits."""
        return self.verdict in {"none", "weak", "unknown"}

    @property
    def judged(self) -> Comparison | None:
        """The comparison with the library that the verdict rests on."""
        found = {c.who: c for c in self.comparisons if c.against == "library" and c.by == "score"}
        return found.get("unseen") or found.get("all")

    def as_json(self) -> dict[str, Any]:
        """JSON values of everything."""
        return {"verdict": self.verdict, "is_warning": self.is_warning, **asdict(self)}

    @classmethod
    def of_run(cls, path: Path) -> "Judgement":
        """Read the file that the stage ``controls`` leaves; a run without controls has none."""
        return cls.read(path) if path.is_file() else NO_CONTROLS

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file that holds the JSON values."""
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            verdict=values["verdict"],
            words=tuple(values["words"]),
            comparisons=tuple(
                Comparison(**{**entry, "figures": _figures(entry["figures"])}) for entry in values["comparisons"]
            ),
            own_decoys=_estimate(values["own_decoys"]),
            own_decoys_by_properties=_estimate(values["own_decoys_by_properties"]),
            own_decoys_of=values["own_decoys_of"],
            decoys=DecoyFacts(**values["decoys"]) if values["decoys"] else None,
        )


def _estimate(values: Mapping[str, float] | None) -> Estimate | None:
    return None if values is None else Estimate(**values)


def _figures(values: Mapping[str, Any]) -> Enrichment:
    read: dict[str, Any] = {name: Estimate(**v) if isinstance(v, dict) else v for name, v in values.items()}
    return Enrichment(**read)


NOT_ASKED = Judgement(
    "not_asked",
    (
        "Most known antibacterials are not what this profile asks for, so where they rank says nothing about it, and "
        "nothing else was spiked in to test it.",
    ),
)
NO_CONTROLS = Judgement(
    "unknown",
    (
        "No known antibacterials went through this run, or nothing was left to compare them with. "
        "So nothing here says whether the ranking finds antibacterials.",
    ),
)


def judge(
    actives: Actives,
    inactives: Scores,
    library: Scores,
    *,
    decoys: DecoyFacts | None = None,
    near: float | None = None,
) -> Judgement:
    """Compare the controls with the library, with decoys and with measured inactives, and say what follows.

    Args:
        actives: Scores of the active controls and of their decoys.
        inactives: Scores of the inactive controls.
        library: Scores of the library.
        decoys: How the decoys are matched.
        near: Median similarity of the unseen actives to their nearest training molecule.

    """
    comparisons = tuple(_comparisons(actives, inactives, library))
    if not any(c.against == "library" for c in comparisons):
        return NO_CONTROLS
    who: Who = "unseen" if actives.unseen.any() else "all"
    found = Judgement("unknown", (), comparisons, *_own_decoys(actives), decoys)
    verdict, words = _verdict(found, who)
    if found.own_decoys is None and decoys is not None:
        words.append(
            "No compound of the library matches a known antibacterial in size, polarity and charge without resembling "
            "it, so nothing says whether the models see more than those."
        )
    if who == "all":
        words.append(
            f"All {len(actives.scores)} were in the training data, so this measures memory: it says nothing about new "
            "chemistry."
        )
    elif near is not None:
        words.append(
            f"Their nearest training molecules have a median similarity of {near:.2f}: relatives of them were seen, so "
            "new classes may fare worse."
        )
    if not len(inactives):
        words.append("There were no known inactives to compare with.")
    return replace(found, verdict=verdict, words=tuple(words))


def _own_decoys(actives: Actives) -> tuple[Estimate | None, Estimate | None, Who]:
    """Share of its own decoys that an active beats by the score and by properties, and for whom it was measured."""
    unseen = actives.of("unseen")
    who: Who = "unseen" if len(np.unique(unseen.matched_to)) >= FEWEST_MATCHED else "all"
    judged = actives.of(who)
    by_properties = None
    if judged.by_properties is not None:
        by_properties = matched_auroc(judged.by_properties[0], judged.by_properties[2], judged.matched_to)
    return matched_auroc(judged.scores, judged.decoys, judged.matched_to), by_properties, who


def _comparisons(actives: Actives, inactives: Scores, library: Scores) -> list[Comparison]:
    found = []

    def add(who: Who, against: Against, by: By, active: Scores, background: Scores) -> None:
        figures = enrichment(active, background)
        if figures is not None:
            alone = ", by properties alone" if by == "properties" else ""
            found.append(Comparison(f"{WHO[who]}, against {AGAINST[against]}{alone}", who, against, by, figures))

    for who in WHO:
        group = actives.of(who)
        matched = np.unique(group.matched_to)
        if len(matched) < FEWEST_MATCHED:
            matched = matched[:0]
        add(who, "library", "score", group.scores, library)
        add(who, "decoys", "score", group.scores[matched], group.decoys)
        add(who, "inactives", "score", group.scores, inactives)
        if group.by_properties is not None:
            by_actives, by_library, by_decoys = group.by_properties
            add(who, "library", "properties", by_actives, by_library)
            add(who, "decoys", "properties", by_actives[matched], by_decoys)
    return found


def _verdict(found: Judgement, who: Who) -> tuple[Verdict, list[str]]:
    """The verdict and its sentences, from the figures of the judged controls."""
    judged = found.judged
    if judged is None:
        raise ValueError("nothing was compared with the library")
    figures = judged.figures
    auroc, n = figures.auroc, figures.n_active
    names = "known antibacterials" if who == "all" else "known antibacterials that the models never saw in training"
    interval = f"{n} of them, AUROC {auroc.value:.2f}, 95% interval {auroc.low:.2f} to {auroc.high:.2f}"
    verdict: Verdict = "good"
    if auroc.low <= CHANCE:
        verdict = "none"
        words = [
            f"Warning: this ranking does not separate {names} from the library ({interval}; 0.50 is chance). "
            "Do not order compounds because of this ranking."
        ]
    elif auroc.low <= WEAK_AUROC:
        verdict = "weak"
        words = [f"The ranking puts {names} only a little ahead of the library ({interval}). The hits are weak leads."]
    else:
        words = [f"The ranking puts {names} ahead of the library ({interval})."]
    if n < FEW:
        verdict = "weak" if verdict == "good" else verdict
        words[0] += f" {n} controls are too few to be sure."
    words += _sentences_on_properties(found, judged)
    if found.own_decoys is not None and found.own_decoys.low <= CHANCE:
        verdict = "weak" if verdict == "good" else verdict
    words.append(f"{figures.top1.value:.0%} of them would be in the best 1% of the library, where chance puts 1%.")
    if figures.ef1.low <= 1 < figures.ef1_max:
        verdict = "weak" if verdict == "good" else verdict
        words[-1] += (
            f" Their enrichment there, {figures.ef1.value:.1f} (95% interval {figures.ef1.low:.1f} to "
            f"{figures.ef1.high:.1f}), includes chance, so the very top of the list is not proven."
        )
    return verdict, words


def _sentences_on_properties(found: Judgement, judged: Comparison) -> list[str]:
    """Whether the models see more than size, polarity and charge."""
    sentences = []
    own, by_properties = found.own_decoys, found.own_decoys_by_properties
    if own is not None:
        who = "a known antibacterial" if found.own_decoys_of == "all" else "one that the models never saw"
        interval = f"95% interval {own.low:.0%} to {own.high:.0%}; 50% is chance"
        baseline = f", where properties alone would beat {by_properties.value:.0%}" if by_properties else ""
        beats = f"{who} beats {own.value:.0%} of its decoys on average ({interval}){baseline}."
        sentences.append(
            f"Against compounds of the library with the same size, polarity and charge: {beats}"
            if own.low > CHANCE
            else "Warning: the ranking cannot tell known antibacterials from compounds of the library with the same "
            f"size, polarity and charge: {beats} It may see little more than those properties."
        )
        if found.own_decoys_of == "all" and judged.who == "unseen":
            sentences[-1] += (
                " This counts all of them, seen in training or not, because too few unseen ones have such compounds."
            )
    same = (c.figures for c in found.comparisons if (c.who, c.against, c.by) == (judged.who, "library", "properties"))
    alone = next(same, None)
    if alone is not None and alone.auroc.value >= judged.figures.auroc.value:
        sentences.append(
            f"Size, polarity and charge alone, fitted to the controls, separate them from this library as well (AUROC "
            f"{alone.auroc.value:.2f}), so the AUROC against the library proves little. In the best 1% they find "
            f"{alone.ef1.value:.0f} times what chance gives, this ranking {judged.figures.ef1.value:.0f} times."
        )
    return sentences


def unseen_first(unseen: Sequence[bool]) -> list[int]:
    """Places of the controls, those the models never saw in front: they choose their decoys first."""
    return sorted(range(len(unseen)), key=lambda at: not unseen[at])
