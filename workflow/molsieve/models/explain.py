"""Why a model predicts what it predicts for one molecule: atoms, functional groups and rings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem

from molsieve.chemistry.descriptors import describe
from molsieve.chemistry.fingerprints import sparse_morgan
from molsieve.errors import MolsieveError
from molsieve.models.attribution import Traceable, Weights, attribute
from molsieve.models.calibration import CalibrationTable
from molsieve.models.endpoints import Endpoint
from molsieve.models.features import SparseFeatures
from molsieve.models.fragment_names import named_fragments
from molsieve.models.kinds import traceable
from molsieve.models.model import Model
from molsieve.models.rich_features import rich_features

# Effects smaller than these (probability, logits, standard deviations of a regression) are called no effect.
_LEAST_PROBABILITY = 0.01
_LEAST_LOGIT = 0.3
_LEAST_SD = 0.05


@dataclass(frozen=True)
class Fragment:
    """A ring, functional group or chain, and what it does to the prediction."""

    name: str
    """E.g. ``nitro group on the furan ring``."""
    atoms: tuple[int, ...]
    smiles: str
    contribution: float
    """Sum of its atoms' weights: logits, or the endpoint's unit."""
    value_without: float
    """Prediction when all features that contain one of its atoms are taken away: probability or value."""


@dataclass(frozen=True)
class Substructure:
    """One fingerprint entry or counted group, and what it contributes."""

    smiles: str
    """Of one occurrence."""
    atoms: tuple[tuple[int, ...], ...]
    """Of every occurrence."""
    contribution: float
    """Logits, or the endpoint's unit."""


@dataclass(frozen=True)
class Explanation:
    """Why one endpoint of one molecule is predicted as it is."""

    endpoint: Endpoint
    smiles: str
    """Parent; atoms are numbered as in it."""
    weights: Weights
    """Contribution of each atom, positive where it raises the prediction: logits, or the endpoint's unit, [atoms]."""
    value: float
    """Predicted (calibrated) probability, or value in the endpoint's unit."""
    base_value: float
    """The same when nothing but the whole molecule's descriptors, and its neighbours, are known; of a graph network,
    when all atoms are blank."""
    fragments: tuple[Fragment, ...]
    """Every atom in exactly one; the largest effects first."""
    substructures: tuple[Substructure, ...]
    """The largest contributions first."""
    least_effect: float
    """Differences of the prediction below this are not worth words."""
    least_weight: float
    """The same for contributions: logits, or the endpoint's unit."""

    def words(self, most: int = 6) -> tuple[str, ...]:
        """Sentences on the fragments with the largest effects; one sentence when none has any.

        Fragments whose atoms weigh one way while taking them away works the other way are passed over: what they do
        depends on the rest of the molecule.
        """
        unit = "" if self.endpoint.unit is None else f" {self.endpoint.unit}"
        what = "value" if self.endpoint.is_regression else "probability"
        names = [fragment.name for fragment in self.fragments]
        sentences = []
        for fragment in self.fragments:
            change = self.value - fragment.value_without
            name = f"{'The' if names.count(fragment.name) == 1 else 'One'} {fragment.name}"
            if abs(change) >= self.least_effect and change * fragment.contribution > 0:
                verb = "raises" if change > 0 else "lowers"
                sentences.append(
                    f"{name} {verb} the predicted {what} from {fragment.value_without:.2f} to {self.value:.2f}{unit}."
                )
            elif abs(change) < self.least_effect and abs(fragment.contribution) >= self.least_weight:
                side = "for" if fragment.contribution > 0 else "against"
                sentences.append(
                    f"{name} speaks {side} it ({fragment.contribution:+.2f} {self.weight_unit}), but without it the "
                    f"predicted {what} would be the same."
                )
        distinct = tuple(dict.fromkeys(sentences))[:most]
        return distinct or (f"No single part of the molecule changes the predicted {what} noticeably.",)

    @property
    def weight_unit(self) -> str:
        """Unit of the weights and contributions."""
        return self.endpoint.unit or "log odds"


def features_for(model: Model, parent_smiles: Sequence[str]) -> Any:  # noqa: ANN401 - of the model's kind
    """What the model takes, of standardised parents: ``SparseFeatures``, or ``Parents`` where it sees graphs.

    Raises:
        MolsieveError: RDKit cannot read or describe one of them.

    """
    if model.info.features == "graph":
        from molsieve.models.chemprop_model import Parents

        for smiles in parent_smiles:
            _read(smiles)
        return Parents(parent_smiles)
    if model.info.features == "rich":
        found = rich_features(parent_smiles, workers=1)
        missing = set(range(len(parent_smiles))) - set(found.rows.tolist())
        if missing:
            raise _undescribed(parent_smiles[min(missing)])
        return found.rich
    return morgan_features(parent_smiles)


def morgan_features(parent_smiles: Sequence[str]) -> SparseFeatures:
    """Morgan ids and descriptors of standardised parents.

    Raises:
        MolsieveError: RDKit cannot read one of them.

    """
    mols = [_read(smiles) for smiles in parent_smiles]
    pairs = [sparse_morgan(mol) for mol in mols]
    offsets = np.cumsum([0, *(len(ids) for ids, _ in pairs)]).astype(np.int64)
    descriptors = np.array([describe(mol) for mol in mols], dtype=np.float32)
    return SparseFeatures(
        np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs]), offsets, descriptors
    )


def explain(model: Model, parent_smiles: str, endpoint: str) -> Explanation:
    """Explain one prediction.

    Args:
        model: Model of any tier.
        parent_smiles: SMILES of the standardised parent.
        endpoint: Name of the endpoint.

    Raises:
        MolsieveError: The model lacks the endpoint, or the molecule cannot be described.

    """
    return explain_all(model, parent_smiles, [endpoint])[0]


def explain_all(model: Model, parent_smiles: str, endpoints: Sequence[str]) -> tuple[Explanation, ...]:
    """Explain the predictions of several endpoints for one molecule, which is described once (see ``explain``)."""
    places = [model.info.endpoint_index(name) for name in endpoints]
    environments = traceable(model, parent_smiles, features_for(model, [parent_smiles]))
    neighbours = model.neighbours(morgan_features([parent_smiles]))
    outputs = (EndpointOutput(model, place, neighbours) for place in places)
    return tuple(_explained(output, parent_smiles, environments) for output in outputs)


def _explained(output: "EndpointOutput", smiles: str, environments: Traceable) -> Explanation:
    model, endpoint, mol = output.model, output.endpoint, Chem.MolFromSmiles(smiles)
    found = attribute(output, environments)
    pieces = named_fragments(mol)
    kept = np.array([~environments.atoms[:, list(piece.atoms)].any(axis=1) for piece in pieces])
    without = output.published(output(environments.features(kept)))
    value, base = output.published(np.array([found.output, found.base]))
    fragments = [
        Fragment(
            piece.name,
            piece.atoms,
            Chem.MolFragmentToSmiles(mol, piece.atoms),
            float(found.weights[list(piece.atoms)].sum()),
            float(without[i]),
        )
        for i, piece in enumerate(pieces)
    ]
    fragments.sort(key=lambda fragment: -abs(value - fragment.value_without))
    scale = model.info.scales[endpoint.name].sd if endpoint.is_regression else 1.0
    return Explanation(
        endpoint=endpoint,
        smiles=smiles,
        weights=found.weights,
        value=float(value),
        base_value=float(base),
        fragments=tuple(fragments),
        substructures=_substructures(mol, environments, found.entries),
        least_effect=_LEAST_SD * scale if endpoint.is_regression else _LEAST_PROBABILITY,
        least_weight=_LEAST_SD * scale if endpoint.is_regression else _LEAST_LOGIT,
    )


def _substructures(
    mol: Chem.Mol, environments: Traceable, contributions: NDArray[np.float64]
) -> tuple[Substructure, ...]:
    _, entry = environments.entries
    found = []
    for place in np.argsort(-np.abs(contributions), kind="stable"):
        occurrences = environments.atoms[entry == place]
        atoms = tuple(tuple(np.flatnonzero(row).tolist()) for row in occurrences)
        found.append(Substructure(Chem.MolFragmentToSmiles(mol, atoms[0]), atoms, float(contributions[place])))
    return tuple(found)


class EndpointOutput:
    """The stacked mean output of one endpoint of a model (an ``attribution.Output``) for variants of one molecule.

    Read-across stays that of the intact molecule: its reasons are the neighbours, not the atoms.
    """

    def __init__(self, model: Model, place: int, neighbours: NDArray[np.float32] | None = None) -> None:
        self.model = model
        self.place = place
        self.endpoint = model.endpoints[place]
        self.neighbours = neighbours

    def __call__(self, features: Any) -> NDArray[np.float64]:  # noqa: ANN401 - of the model's kind
        """Mean logits, or values in the endpoint's unit, [n]."""
        neighbours = None if self.neighbours is None else self.neighbours.repeat(features.molecules, axis=0)
        outputs = self.model.outputs(features, neighbours)[:, :, self.place].double()
        mean: NDArray[np.float64] = (outputs * self.model.member_weights[:, self.place].double()).sum(dim=1).numpy()
        if self.endpoint.is_regression:
            scale = self.model.info.scales[self.endpoint.name]
            return mean * scale.sd + scale.mean
        return mean

    def published(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Outputs as they are published: calibrated probabilities, or values; [n] to [n]."""
        if self.endpoint.is_regression:
            return outputs
        table = CalibrationTable([self.model.trust.calibrations[self.endpoint.name]])
        probabilities: NDArray[np.float64] = table.probabilities(torch.from_numpy(outputs)[:, None])[:, 0].numpy()
        return probabilities


def _read(smiles: str) -> Chem.Mol:
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise _undescribed(smiles)
    return mol


def _undescribed(smiles: str) -> MolsieveError:
    return MolsieveError(f"RDKit cannot describe the molecule {smiles}.", fix="Check the structure.")
