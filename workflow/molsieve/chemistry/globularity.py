"""Globularity: how near a molecule's shape is to a sphere, from 0 (flat or a rod) to 1.

It is the smallest over the largest eigenvalue of the covariance matrix of all atom coordinates, hydrogens included,
averaged over conformers. This is the definition of eNTRyway (github.com/HergenrotherLab/entry-cli), which the threshold
of the eNTRy rules goes with. It enumerates conformers with Open Babel's Confab; here they are drawn by ETKDG
(doi:10.1021/acs.jcim.5b00654) and relaxed with MMFF94.
"""

import pickle
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem.rdDistGeom import EmbedMultipleConfs, ETKDGv3
from rdkit.Chem.rdForceFieldHelpers import MMFFHasAllMoleculeParams, MMFFOptimizeMoleculeConfs

from molsieve.chemistry.isolation import Block, Isolated

CONFORMERS = 5
_SEED = 61453
# Steps of relaxation: bond lengths and planes are right long before the energy is.
_MMFF_STEPS = 50


def globularity(mol: Chem.Mol) -> float | None:
    """Mean globularity of a few conformers; None where no conformer can be made. The same on every call."""
    mol = Chem.AddHs(mol)
    parameters = ETKDGv3()
    parameters.randomSeed = _SEED  # type: ignore[assignment]
    drawn = list(EmbedMultipleConfs(mol, CONFORMERS, parameters))
    if not drawn:
        return None
    if MMFFHasAllMoleculeParams(mol):
        MMFFOptimizeMoleculeConfs(mol, maxIters=_MMFF_STEPS)
    return float(np.mean([roundness(mol.GetConformer(number).GetPositions()) for number in drawn]))


def roundness(points: NDArray[np.float64]) -> float:
    """Smallest over largest eigenvalue of the covariance of some points [n, 3]; 0 for a single point."""
    if len(points) < 2:
        return 0.0
    variances = np.linalg.eigvalsh(np.cov(points.T))
    return float(max(variances[0], 0.0) / variances[-1]) if variances[-1] > 0 else 0.0


def globularities(smiles: Sequence[str], *, timeout_s: float) -> list[float | None]:
    """Globularity of each molecule, computed in a process that a molecule may hang or kill at its own cost only.

    Args:
        smiles: Molecules.
        timeout_s: CPU seconds after which a molecule is given up.

    Returns:
        Globularities in order; None where there are no conformers, or they took too long.

    """
    if not smiles:
        return []
    with Isolated(_GlobularityJob(), workers=1, timeout_s=timeout_s) as process:
        block = Block(pickle.dumps(list(smiles)), len(smiles))
        (packed,) = process.results([block])
    return [value for part in packed for value in pickle.loads(part)]  # noqa: S301 - from our own workers


class _GlobularityJob:
    """A block is a list of SMILES."""

    def start(self) -> None:
        pass

    def records(self, block: bytes) -> Sequence[str]:
        smiles: list[str] = pickle.loads(block)  # noqa: S301 - from the process that started this one
        return smiles

    def process(self, record: str) -> float | None:
        try:
            return globularity(Chem.MolFromSmiles(record))
        except (RuntimeError, ValueError):  # RDKit gives up on a molecule
            return None

    def failed(self, record: str, reason_code: str, detail: str) -> None:  # noqa: ARG002 - of the protocol
        return None

    def pack(self, results: list[float | None]) -> bytes:
        return pickle.dumps(results)
