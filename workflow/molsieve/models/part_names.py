"""What the parts of a model are, in words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it loads torch, which showing a model need not wait for
    from molsieve.models.info import ModelInfo

READ_ACROSS = "the measured labels of the five nearest training molecules"
_FINGERPRINTS = {"morgan": "Morgan", "feature_morgan": "feature-class Morgan"}


def part_names(info: "ModelInfo") -> list[str]:
    """Name of each network, of the trees and of read-across, in the order of ``ModelInfo.stack``."""
    networks = ["graph network"] if info.features == "graph" else []
    for network in info.networks:
        kinds = " and ".join(_FINGERPRINTS.get(kind, kind) for kind in network.fingerprints)
        alone = f" that learned {' and '.join(network.learned)} alone" if network.learned else ""
        networks.append(f"network on {kinds} ids{alone}")
    return networks + ["boosted trees"] * info.has_boosters + [READ_ACROSS] * info.has_read_across


def part_weights(info: "ModelInfo", endpoint: str) -> dict[str, float]:
    """Weight of each part that predicts an endpoint, by its name."""
    weights = zip(part_names(info), info.stack[endpoint], strict=True)
    return {name: weight for name, weight in weights if weight}
