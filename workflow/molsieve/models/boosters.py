"""Gradient-boosted trees beside the networks: LightGBM, one booster an endpoint, on the same sparse features.

Reference: Ke et al., LightGBM, Advances in Neural Information Processing Systems 30 (2017).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import zstandard
from numpy.typing import NDArray
from scipy import sparse

from molsieve.errors import MolsieveError
from molsieve.models.features import SparseFeatures

if TYPE_CHECKING:
    import lightgbm

FOLDED_COLUMNS = 4096
"""Columns that the counts of all fingerprints are folded into; the descriptors follow."""

_PREFIX = "boosters."
_DIGITS = {"leaf_value": 5, "threshold": 7}
_UNUSED = frozenset(
    {"split_gain", "leaf_weight", "leaf_count", "internal_value", "internal_weight", "internal_count", "tree_sizes"}
)


class Boosters:
    """One booster for each endpoint that has one."""

    def __init__(self, boosters: Mapping[str, "lightgbm.Booster"]) -> None:
        self.boosters = dict(boosters)

    def outputs(self, features: SparseFeatures, endpoints: list[str], threads: int) -> NDArray[np.float32]:
        """Logits, or standardised values for regression: [n, endpoints]; NaN for endpoints without a booster."""
        columns = folded_columns(features)
        found = np.full((features.molecules, len(endpoints)), np.nan, dtype=np.float32)
        for i, name in enumerate(endpoints):
            if name in self.boosters and features.molecules:
                found[:, i] = self.boosters[name].predict(columns, raw_score=True, num_threads=threads)
        return found

    def tensors(self) -> dict[str, NDArray[np.uint8]]:
        """Trees as they are stored: LightGBM's own text, without what prediction does not need, compressed."""
        pack = zstandard.ZstdCompressor(level=19).compress
        return {
            _PREFIX + name: np.frombuffer(pack(_compact(booster.model_to_string()).encode()), dtype=np.uint8)
            for name, booster in self.boosters.items()
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[np.uint8]]) -> "Boosters | None":
        """Boosters among the stored arrays; None when there are none.

        Raises:
            MolsieveError: LightGBM is not installed.

        """
        texts = {name.removeprefix(_PREFIX): a for name, a in tensors.items() if name.startswith(_PREFIX)}
        if not texts:
            return None
        try:
            import lightgbm
        except ImportError as error:
            raise MolsieveError("This model needs LightGBM.", fix="pip install lightgbm") from error
        unpack = zstandard.ZstdDecompressor().decompress
        return cls({n: lightgbm.Booster(model_str=unpack(a.tobytes()).decode()) for n, a in texts.items()})


def _compact(text: str) -> str:
    """Quarter of the text: no statistics of training, five digits of a leaf's value (logits of 0.01 to 0.5)."""
    kept = []
    for line in text.partition("\nend of trees")[0].split("\n"):
        key, _, values = line.partition("=")
        if key in _DIGITS:
            kept.append(f"{key}=" + " ".join(f"{float(value):.{_DIGITS[key]}g}" for value in values.split()))
        elif key not in _UNUSED:
            kept.append(line)
    return "\n".join([*kept, "end of trees", ""])


def folded_columns(features: SparseFeatures) -> sparse.csr_matrix:
    """What the trees see: log2(1 + count) of all ids folded to ``FOLDED_COLUMNS``, then the descriptors; sparse."""
    values = np.log2(1.0 + features.counts.astype(np.float32))
    cells = (values, (features.molecule_of_bit(), features.ids % FOLDED_COLUMNS))
    counts = sparse.coo_matrix(cells, shape=(features.molecules, FOLDED_COLUMNS))
    return sparse.hstack([counts, sparse.csr_matrix(features.descriptors)], format="csr", dtype=np.float32)
