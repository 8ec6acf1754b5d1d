"""Decoys: compounds of the library that look like the active controls in their properties but not in their structure.

Known antibacterials are larger and more polar than most libraries, so a ranking that sees nothing but size and
polarity separates them from a library. It does not separate them from decoys.

The six properties are those of DUD-E (Mysinger 2012, doi 10.1021/jm300687e). It widens its windows in steps until it
has thousands of candidates; here the nearest come first, within about half of its widest windows, because beyond them
properties alone still tell actives and decoys apart in a library of thousands. So an active without a like in the
library gets fewer decoys or none, which is said. Two things differ: the charge is that of the standardised parent,
permanent charges only, because a run knows no protonation states; and decoys have to be dissimilar to every active
control in absolute terms (DUD-E keeps the most dissimilar quarter).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rdkit import Chem, DataStructs

from molsieve.chemistry.fingerprints import morgan_bits
from molsieve.columns import LOW_CARDINALITY
from molsieve.scoring.pool import PROPERTIES, Pool

PER_ACTIVE = 50
# At this Tanimoto similarity (Morgan radius 2, 2048 bits) to any active control a compound may share its mechanism.
MAX_SIMILARITY = 0.35
WINDOWS = {"mw_da": 62.5, "logp_crippen": 1.8, "rotatable_bond_count": 2.0, "hbd": 1.0, "hba": 2.0}
_MATCHED = [PROPERTIES.index(name) for name in WINDOWS]
_CHARGE = PROPERTIES.index("formal_charge")
# A property in which the library hardly varies (charge, often) must not drown the others.
_SMALLEST_SPREAD = 0.1
# Nearest compounds whose structure is looked at, for each decoy wanted.
_CANDIDATES_PER_DECOY = 20


@dataclass(frozen=True)
class Actives:
    """Active controls, those that are to be served first in front.

    Attributes:
        names: Names.
        smiles: Standardised parents.
        properties: Values of ``PROPERTIES``, [n, 7].

    """

    names: Sequence[str]
    smiles: Sequence[str]
    properties: NDArray[np.float32]


@dataclass(frozen=True)
class Decoys:
    """Decoys of some actives.

    Attributes:
        positions: Place of each decoy in the pool, [d].
        matched_to: Place of its active among the actives, [d].
        distances: Property distances, [d].
        similarities: Tanimoto similarities to the most similar active, [d].

    """

    positions: NDArray[np.int64]
    matched_to: NDArray[np.int64]
    distances: NDArray[np.float32]
    similarities: NDArray[np.float32]

    def table(self, pool: Pool, actives: Actives) -> pa.Table:
        """The decoys with their scores, in input order of the library (``results.schema.decoys_columns``)."""
        order = np.argsort(self.positions, kind="stable")
        names = [actives.names[at] for at in self.matched_to[order]]
        return pa.table(
            {
                "record_id": pool.record_ids[self.positions[order]],
                "matched_to": pa.array(names, pa.string()).cast(LOW_CARDINALITY),
                "property_distance": self.distances[order],
                "active_similarity": self.similarities[order],
                "score": pool.scores[self.positions[order]],
            }
        )


def find_decoys(
    actives: Actives,
    pool: Pool,
    smiles_of: Callable[[NDArray[np.int64]], Sequence[str]],
    *,
    per_active: int = PER_ACTIVE,
    max_similarity: float = MAX_SIMILARITY,
) -> Decoys:
    """Match every active with up to ``per_active`` compounds of the library, none used twice.

    The actives choose in turns, each its nearest free compound, so that none takes another's share. Compounds that the
    run recognised as known antibacterials are no decoys. The same library gives the same decoys.

    Properties are compared in one pass over the pool for each active (4 bytes a compound); structures are looked at
    only for the nearest compounds.

    Args:
        actives: The active controls.
        pool: Compounds to choose from.
        smiles_of: Standardised parents of some records, in their order.
        per_active: Decoys for each active at most.
        max_similarity: Decoys are less similar than this to every active.

    """
    nearest = [_nearest(row, pool, _CANDIDATES_PER_DECOY * per_active) for row in actives.properties]
    wanted = np.unique(np.concatenate([np.zeros(0, np.int64), *(at for at, _ in nearest)]))
    smiles = dict(zip(wanted.tolist(), smiles_of(pool.record_ids[wanted]), strict=True))
    fingerprints = [morgan_bits(Chem.MolFromSmiles(text)) for text in actives.smiles]
    similarities: dict[int, float] = {}
    chosen: dict[int, tuple[int, float]] = {}
    queues = [iter(zip(at.tolist(), distances.tolist(), strict=True)) for at, distances in nearest]
    for _ in range(per_active):
        for active, queue in enumerate(queues):
            for position, distance in queue:
                if position in chosen:
                    continue
                if position not in similarities:
                    bits = morgan_bits(Chem.MolFromSmiles(smiles[position]))
                    similarities[position] = max(DataStructs.BulkTanimotoSimilarity(bits, fingerprints))
                if similarities[position] < max_similarity:
                    chosen[position] = (active, distance)
                    break
    return Decoys(
        positions=np.array(list(chosen), np.int64),
        matched_to=np.array([active for active, _ in chosen.values()], np.int64),
        distances=np.array([distance for _, distance in chosen.values()], np.float32),
        similarities=np.array([similarities[position] for position in chosen], np.float32),
    )


def _nearest(active: NDArray[np.float32], pool: Pool, count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Places of the nearest compounds within the windows, nearest first, and their distances."""
    distance = np.zeros(len(pool), dtype=np.float32)
    for column, width in zip(_MATCHED, WINDOWS.values(), strict=True):
        np.maximum(distance, np.abs(pool.properties[:, column] - active[column]) / np.float32(width), out=distance)
    same_charge = pool.properties[:, _CHARGE] == active[_CHARGE]
    inside = np.flatnonzero((distance <= 1) & same_charge & ~pool.is_known)
    if len(inside) > count:
        # Ties at the edge are all kept here, so that the cut below follows the input order.
        edge = np.partition(distance[inside], count - 1)[count - 1]
        inside = inside[distance[inside] <= edge]
    order = np.argsort(distance[inside], kind="stable")[:count]
    return inside[order], distance[inside[order]]


def imbalance(
    actives: NDArray[np.float32],
    others: NDArray[np.float32],
    weights: NDArray[np.floating],
    spread: NDArray[np.floating],
) -> float:
    """Mean standardised difference between actives and others over the matched properties; 0 is balanced.

    Absolute differences of the means over a fixed standard deviation, so that it can be compared before and after
    matching (Stuart 2010, doi 10.1214/09-STS313; below 0.1 is usually called negligible, above 0.25 a concern).

    Args:
        actives: Properties of the actives, [n, 7].
        others: Properties of those they are compared with, [m, 7].
        weights: How much each of those counts, [m].
        spread: Standard deviation of each property, [7].

    """
    means = np.average(others.astype(np.float64), axis=0, weights=weights)
    compared = [*_MATCHED, _CHARGE]
    differences = np.abs(actives.mean(axis=0, dtype=np.float64) - means)[compared]
    return float(np.mean(differences / np.maximum(spread[compared], _SMALLEST_SPREAD)))
