"""Models of any kind behind one face: our own stacks, and plugged-in chemprop networks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from rdkit import Chem

from molsieve.models.attribution import Traceable
from molsieve.models.environments import environments_of
from molsieve.models.model import Model
from molsieve.models.panel import PanelModel
from molsieve.models.rich_features import RichFeatures
from molsieve.models.store import load_model


def load_any_model(folder: Path, device: str = "cpu") -> Model:
    """Load and verify a model directory, whichever kind of network it holds.

    Raises:
        MolsieveError: See ``load_model``.

    """
    if PanelModel.read(folder).features == "graph":
        from molsieve.models.chemprop_model import load_chemprop_model

        return load_chemprop_model(folder, device)
    return load_model(folder, device)


def inputs_of(model: Model, described: RichFeatures, parents: Sequence[str]) -> Any:  # noqa: ANN401 - of its kind
    """What a model takes: fingerprints and descriptors, or the molecules themselves.

    Args:
        model: The model.
        described: Features of the molecules that could be described.
        parents: Their SMILES, in the same order.

    """
    if model.info.features == "graph":
        from molsieve.models.chemprop_model import Parents

        return Parents(parents)
    return described.rich if model.info.features == "rich" else described.morgan


def traceable(model: Model, parent: str, features: Any) -> Traceable:  # noqa: ANN401 - of its kind
    """What of a molecule a model's output can be traced to.

    Args:
        model: The model.
        parent: SMILES that RDKit can read.
        features: What the model takes of this one molecule.

    """
    if model.info.features == "graph":
        from molsieve.models.chemprop_model import ChempropModel

        return cast("ChempropModel", model).environments(parent)
    return environments_of(Chem.MolFromSmiles(parent), model.info.features, features.descriptors[0])
