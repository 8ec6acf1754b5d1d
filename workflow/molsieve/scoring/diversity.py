"""Hits that differ from each other: directed sphere exclusion with scaffold caps, and the clusters it leaves.

The walk goes down the ranking. A compound becomes a hit unless a better one stands in its way: because it is too
similar (Tanimoto, Morgan radius 2, 2048 bits), or because as many hits as allowed share its Murcko scaffold. Whoever is
passed over is recorded with the hit in its way: it is the first analogue to look at when that hit is confirmed.

Hits that are allowed beside each other can still be of one kind, with different Murcko scaffolds because one has a ring
more. So hits are clustered by similarity, in the same walk: a hit joins the cluster of the most similar leader if it is
at least ``cluster_similarity`` like it, else it leads a cluster of its own. Butina's clustering takes the compound with
most neighbours for the centre; here the leader is the best-ranked hit, which is the one to order when only one is
ordered, and a longer list of hits never regroups the better ones.

References: directed sphere exclusion, Gobbi and Lee, doi:10.1021/ci025554v; Butina's clustering, doi:10.1021/ci9803381;
scaffolds, Bemis and Murcko, doi:10.1021/jm9602928.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from rdkit import Chem, DataStructs
from rdkit.Chem.Scaffolds import MurckoScaffold

from molsieve.chemistry.fingerprints import morgan_bits

Cause = Literal["too_similar", "scaffold_cap"]


@dataclass(frozen=True)
class DiversityOptions:
    """How different hits have to be, and how similar those of one cluster are (see ``config.Select``)."""

    max_similarity: float = 0.6
    scaffold_cap: int = 3
    cluster_similarity: float = 0.4


@dataclass(frozen=True)
class Kept:
    """A compound that became a hit."""

    position: int
    """Its place in the ranking that was walked, from 0."""
    parent_smiles: str
    scaffold: str
    """Murcko scaffold; empty for acyclic molecules."""
    cluster: int
    """Number of its cluster, from 1 in the order of the leaders."""
    leader: int
    """Index of the cluster's leader among the kept; its own for a leader."""
    leader_similarity: float
    """Tanimoto similarity to the leader; 1 for a leader."""


@dataclass(frozen=True)
class PassedOver:
    """A compound that a better one kept from becoming a hit."""

    position: int
    cause: Cause
    blocked_by: int
    """Index of the hit in its way among the kept: the most similar one, of all or of those with its scaffold."""
    similarity: float
    """Tanimoto similarity to that hit."""


class SphereExclusion:
    """The walk down the ranking; :meth:`consider` takes the compounds best first."""

    def __init__(self, options: DiversityOptions) -> None:
        self.options = options
        self.kept: list[Kept] = []
        self.passed_over: list[PassedOver] = []
        self._fingerprints: list[DataStructs.ExplicitBitVect] = []
        self._leaders: list[int] = []
        self._scaffolds: Counter[str] = Counter()

    def consider(self, position: int, parent_smiles: str) -> bool:
        """Keep the compound unless a better one stands in its way; returns whether it was kept."""
        mol = Chem.MolFromSmiles(parent_smiles)
        fingerprint = morgan_bits(mol)
        similarities: list[float] = DataStructs.BulkTanimotoSimilarity(fingerprint, self._fingerprints)
        if similarities and max(similarities) > self.options.max_similarity:
            self._pass_over(position, "too_similar", similarities, range(len(similarities)))
            return False
        scaffold = Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(mol))  # type: ignore[no-untyped-call]
        # Acyclic molecules share the empty scaffold and nothing else.
        if scaffold and self._scaffolds[scaffold] >= self.options.scaffold_cap:
            sharing = [index for index, kept in enumerate(self.kept) if kept.scaffold == scaffold]
            self._pass_over(position, "scaffold_cap", similarities, sharing)
            return False
        self._scaffolds[scaffold] += 1
        self._fingerprints.append(fingerprint)
        self.kept.append(self._clustered(position, parent_smiles, scaffold, similarities))
        return True

    @property
    def clusters(self) -> int:
        """Number of clusters among the kept."""
        return len(self._leaders)

    @property
    def scaffolds(self) -> int:
        """Number of distinct scaffolds among the kept; acyclic molecules have none."""
        return sum(1 for scaffold in self._scaffolds if scaffold)

    def _clustered(self, position: int, parent_smiles: str, scaffold: str, similarities: list[float]) -> Kept:
        """The new hit in the cluster of the most similar leader (the better of equals), or as a leader."""
        nearest = max(self._leaders, key=similarities.__getitem__, default=None)
        if nearest is not None and similarities[nearest] >= self.options.cluster_similarity:
            cluster = self.kept[nearest].cluster
            return Kept(position, parent_smiles, scaffold, cluster, nearest, similarities[nearest])
        self._leaders.append(len(self.kept))
        return Kept(position, parent_smiles, scaffold, len(self._leaders), len(self.kept), 1.0)

    def _pass_over(self, position: int, cause: Cause, similarities: list[float], candidates: range | list[int]) -> None:
        nearest = max(candidates, key=similarities.__getitem__)
        self.passed_over.append(PassedOver(position, cause, nearest, similarities[nearest]))
