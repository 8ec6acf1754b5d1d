"""Desirability functions against values worked out by hand."""

import numpy as np
import pytest

from molsieve.scoring.desirability import FLOOR, geometric_mean, plateau, ramp


def test_plateau_falls_off_on_both_sides():
    values = np.array([50.0, 100, 150, 400, 600, 700, 900])
    assert plateau(values, (150, 600), (200, 200)) == pytest.approx([0.5, 0.75, 1, 1, 1, 0.5, 0])


def test_plateau_with_open_side_and_hard_edge():
    values = np.array([-100.0, 5, 5.001])
    assert plateau(values, (None, 5), (0, 0)) == pytest.approx([1, 1, 0])


def test_ramp_rises_between_worst_and_best():
    assert ramp(np.array([0.0, 0.2, 0.5, 0.8, 1.0]), 0.2, 0.8) == pytest.approx([0, 0, 0.5, 1, 1])


def test_geometric_mean_is_weighted():
    columns = [np.array([0.25, 1.0]), np.array([1.0, 1.0])]
    assert geometric_mean(columns, [1, 1], 2) == pytest.approx([0.5, 1.0])
    assert geometric_mean(columns, [3, 1], 2) == pytest.approx([0.25**0.75, 1.0])


def test_a_zero_pushes_down_but_does_not_decide_alone():
    assert geometric_mean([np.array([0.0]), np.array([1.0])], [1, 1], 1) == pytest.approx([FLOOR**0.5])


def test_no_criteria_means_no_preference():
    assert geometric_mean([], [], 3) == pytest.approx([1, 1, 1])
