"""The models of a run: the shipped pair, further ones beside it, and the endpoints they predict together.

The workflow reads this when it is parsed, so it loads neither weights nor torch; ``store.load_model`` verifies every
byte before anything is predicted.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Self

from molsieve.errors import MolsieveError
from molsieve.models.endpoints import INFO, Endpoint, read_endpoints

TIERS = ("triage", "refine")


@dataclass(frozen=True)
class PanelModel:
    """One model of a run: its directory, the tier it is fast enough for, what it takes and what it predicts."""

    folder: Path
    tier: str
    features: str
    """``morgan``, ``rich``, or ``graph`` for a chemprop network."""
    endpoints: tuple[Endpoint, ...]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read ``model.json``.

        Raises:
            MolsieveError: There is no model in the folder, or it is of an older format.

        """
        endpoints = read_endpoints(folder)
        content = json.loads((folder / INFO).read_bytes())
        tier = content.get("tier")
        if tier not in TIERS:
            raise MolsieveError(
                "the model says of no tier that it belongs to; it was made by another version",
                where=str(folder / INFO),
                fix="Train it again with this version, or use the shipped models.",
            )
        return cls(folder, tier, content.get("features", ""), endpoints)


@dataclass(frozen=True)
class Panel:
    """The models that predict together in one run."""

    triage: PanelModel
    """Of the shipped pair the fast one, for the whole library."""
    refine: PanelModel
    """The reference models, for the shortlist."""
    further: tuple[PanelModel, ...] = ()

    @classmethod
    def read(cls, triage: Path, refine: Path, further: Iterable[Path] = ()) -> Self:
        """Read the models of a run and check that they go together.

        Args:
            triage: Directory of the model for the whole library.
            refine: Directory of the model for the shortlist.
            further: Directories of models beside the two.

        Raises:
            MolsieveError: There is no model, the pair is not of the tiers asked for, or two models predict an
                endpoint of the same name.

        """
        panel = cls(PanelModel.read(triage), PanelModel.read(refine), tuple(map(PanelModel.read, further)))
        if panel.triage.tier != "triage":
            raise MolsieveError(
                f"{triage} is a model of tier {panel.triage.tier}, too slow for a whole library",
                where="triage.model",
                fix="Name it in refine.model or in models.",
            )
        _check_names(panel)
        return panel

    @property
    def models(self) -> tuple[PanelModel, ...]:
        """All of them."""
        return (self.triage, self.refine, *self.further)

    @property
    def of_triage(self) -> tuple[PanelModel, ...]:
        """Those that predict the whole library, in the order of their columns."""
        return (self.triage, *(model for model in self.further if model.tier == "triage"))

    @property
    def of_refine(self) -> tuple[PanelModel, ...]:
        """Those that predict the shortlist, in the order of their columns."""
        return (self.refine, *self.further)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every endpoint of the run, each once: those of the shipped pair, then those of the further models."""
        return joint_endpoints(model.endpoints for model in (self.refine, self.triage, *self.further))


def joint_endpoints(models: Iterable[Sequence[Endpoint]]) -> tuple[Endpoint, ...]:
    """Endpoints of several models in order, each name once."""
    named: dict[str, Endpoint] = {}
    for endpoint in chain.from_iterable(models):
        named.setdefault(endpoint.name, endpoint)
    return tuple(named.values())


def read_joint_endpoints(folders: Iterable[Path]) -> tuple[Endpoint, ...]:
    """Endpoints of the models in these directories, each name once.

    Raises:
        MolsieveError: There is no model in one of them.

    """
    return joint_endpoints(read_endpoints(folder) for folder in folders)


def _check_names(panel: Panel) -> None:
    """Refuse names that stand for two things; the pair shares its endpoints, and has to mean the same by them."""
    shipped = {endpoint.name: endpoint for endpoint in panel.triage.endpoints}
    for endpoint in panel.refine.endpoints:
        other = shipped.get(endpoint.name, endpoint)
        if (other.task, other.unit) != (endpoint.task, endpoint.unit):
            raise MolsieveError(
                f"endpoint '{endpoint.name}' is {_kind(other)} in {panel.triage.folder} and {_kind(endpoint)} in "
                f"{panel.refine.folder}",
                where="triage.model, refine.model",
                fix="Use a pair of models that were made together.",
            )
    owners = dict.fromkeys(shipped, panel.triage.folder)
    owners |= {endpoint.name: panel.refine.folder for endpoint in panel.refine.endpoints}
    for model in panel.further:
        for endpoint in model.endpoints:
            if endpoint.name in owners:
                raise MolsieveError(
                    f"two models predict an endpoint named '{endpoint.name}': {owners[endpoint.name]} and "
                    f"{model.folder}",
                    where="models",
                    fix="Leave one of them out, or train yours again under another name (--name).",
                )
            owners[endpoint.name] = model.folder


def _kind(endpoint: Endpoint) -> str:
    return f"{endpoint.task} in {endpoint.unit}" if endpoint.is_regression else endpoint.task
