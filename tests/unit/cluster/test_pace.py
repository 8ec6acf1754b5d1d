import json

import pytest

from molsieve.cluster.pace import Pace, estimated_end, pace
from molsieve.cluster.units import Stage, Unit

NOW = 10_000.0


def stage(name: str, units: int, done: int, rows: int = 100) -> Stage:
    made = tuple(Unit(f"{name}-library-{number:05d}", None, rows) for number in range(units))
    return Stage(name, made, {unit.name: NOW for unit in made[:done]})


def measured(tmp_path, jobs, since=0.0):
    """Pace of jobs of 100 rows that started and ended at given times."""
    units = tuple(Unit(f"prepare-library-{number:05d}", None, 100) for number in range(len(jobs) + 1))
    for unit, (started, _) in zip(units, jobs, strict=False):
        (tmp_path / f"{unit.name}.json").write_text(json.dumps({"started": started}))
    finished = {unit.name: ended for unit, (_, ended) in zip(units, jobs, strict=False)}
    return pace(Stage("prepare", units, finished), tmp_path, since)


def test_jobs_at_the_same_time_add_up(tmp_path):
    assert measured(tmp_path, [(0, 10), (0, 10), (10, 20), (10, 20)]) == Pace(20.0, 4, 20)


def test_only_the_latest_jobs_count(tmp_path):
    # One after the other: slow ones of 20 s, then fast ones of 10 s, which are looked at over five lengths of a job.
    jobs = [(20 * n, 20 * n + 20) for n in range(5)] + [(100 + 10 * n, 110 + 10 * n) for n in range(20)]
    assert measured(tmp_path, jobs).rows_per_second == pytest.approx(10, rel=0.01)


def test_jobs_that_end_together(tmp_path):
    # Batches of four jobs of 9 s, a second apart.
    assert measured(tmp_path, [(10 * n, 10 * n + 9) for n in range(20) for _ in range(4)]).rows_per_second == 40


def test_jobs_of_an_earlier_start_say_nothing(tmp_path):
    assert measured(tmp_path, [(0, 10), (0, 10)], since=5.0) is None
    assert measured(tmp_path, [(0, 10), (5, 10)], since=5.0) == Pace(20.0, 1, 10)


def test_nothing_has_finished(tmp_path):
    assert measured(tmp_path, []) is None


def test_the_end_is_known_once_all_that_grows_is_measured():
    stages = [stage("prepare", 4, 4), stage("triage", 4, 2), stage("refine", 2, 2), stage("score", 1, 0)]
    end = estimated_end(stages, {"triage": Pace(20.0, 2, NOW - 4)}, 1, NOW)
    assert end.at == NOW + 200 / 20 - 4
    assert (end.rests_on, end.unknown) == ("triage (2 jobs)", ("score",))


def test_until_then_there_is_an_earliest_end_and_what_it_leaves_out():
    stages = [stage("prepare", 4, 2), Stage("triage", None, {}), stage("refine", 2, 0), stage("score", 1, 0)]
    end = estimated_end(stages, {"prepare": Pace(20.0, 2, NOW)}, 2, NOW)
    assert (end.at, end.not_before, end.unknown) == (None, NOW + 10, ("triage", "refine"))


def test_the_first_jobs_of_a_batch_do_not_stand_for_all_of_it():
    stages = [stage("prepare", 8, 1)]
    assert estimated_end(stages, {"prepare": Pace(1.0, 1, NOW)}, 4, NOW).not_before is None
    assert estimated_end(stages, {"prepare": Pace(1.0, 4, NOW)}, 4, NOW).at == NOW + 700
