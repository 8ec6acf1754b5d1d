"""How endpoints of one family go together, as measured.

All figures are by ``benchmarks/family_correlation.py`` on out-of-fold predictions for new scaffolds; its output,
``benchmarks/family_correlation.json``, has them for either tier. Here is the mean of the two tiers: their outcomes
agree to 0.03, their members to 0.2. An endpoint of a family that is not named counts as independent of all others.
"""

from collections.abc import Mapping

MEMBER_CORRELATION: Mapping[str, float] = {"activity": 0.50, "gut": 0.56, "toxicity": 0.24, "adme": 0.16}
"""Correlation of the deviations of an ensemble's members from their mean, between two endpoints of a family."""

OUTCOME_CORRELATION: Mapping[str, float] = {"activity": 0.64, "gut": 0.58, "toxicity": 0.30, "adme": 0.40}
"""Correlation of the latent variables behind the outcomes of one molecule, given its calibrated probabilities."""
