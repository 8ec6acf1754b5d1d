import numpy as np
import pytest

from molsieve.scoring.baseline import FOLDS, property_scores
from molsieve.scoring.enrichment import Places, auroc


def separation(actives, library):
    return auroc(Places.among(actives, np.sort(library)))


def sample(seed, shift, n=60, m=3000):
    random = np.random.default_rng(seed)
    return random.normal(shift, 1, (n, 7)).astype(np.float32), random.normal(0, 1, (m, 7)).astype(np.float32)


def test_it_finds_a_shift_as_well_as_the_true_likelihood():
    actives, library = sample(0, 0.5)
    # The true log odds of two normal distributions with a shift are the sum of the properties.
    best = separation(actives.sum(axis=1), library.sum(axis=1))
    assert best > 0.75
    assert separation(*property_scores(actives, library)) == pytest.approx(best, abs=0.05)


def test_it_finds_nothing_where_there_is_nothing():
    # Fitted without the compound it judges, it does not flatter itself.
    found = [separation(*property_scores(*sample(seed, 0.0))) for seed in range(8)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.06)


def test_it_can_prefer_the_middle():
    actives, library = sample(0, 0.0)
    assert separation(*property_scores((actives * 0.2).astype(np.float32), library)) > 0.95


def test_it_is_reproducible_and_keeps_the_order():
    actives, library = sample(1, 0.5)
    first, second = property_scores(actives, library), property_scores(actives, library)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert [len(part) for part in first] == [60, 3000]


@pytest.mark.parametrize(("n", "m"), [(0, 3000), (2 * FOLDS - 1, 3000), (60, 0)])
def test_too_few_to_fit(n, m):
    assert property_scores(*sample(0, 0.5, n, m)) is None


def test_a_constant_property_does_no_harm():
    actives, library = sample(0, 0.5)
    actives[:, 3], library[:, 3] = 0, 0
    assert np.isfinite(np.concatenate(property_scores(actives, library))).all()
