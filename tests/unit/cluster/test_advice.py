from dataclasses import replace

import pytest

from molsieve.cluster.advice import RuleUse, advice

WELL = RuleUse(
    rule="prepare", jobs=12, completed=12, over_memory=0, over_time=0, cancelled=0, failed=0, cpus=4, cpu_used=0.9,
    cpu_hours=4.0, memory_asked_mb=2000, memory_peak_mb=1500, minutes_asked=20, minutes_longest=8, seconds_median=300,
    advice=(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "tasks", "words"),
    [
        ({}, 1, []),
        (
            {"memory_asked_mb": 4000, "memory_peak_mb": 900},
            1,
            ["asked for 4,000 MB and used at most 900 MB: set-resources prepare: mem_mb=1100"],
        ),
        # A short job is sampled too rarely for that.
        ({"memory_asked_mb": 4000, "memory_peak_mb": 900, "seconds_median": 20, "completed": 2}, 1, []),
        (
            {"over_memory": 2, "memory_asked_mb": 1000, "memory_peak_mb": 1800},
            1,
            ["2 jobs needed more than 1,000 MB: set-resources prepare: mem_mb=2200"],
        ),
        (
            {"rule": "score", "cpus": 8, "memory_asked_mb": 16_000, "memory_peak_mb": 5000},
            8,
            ["asked for 16,000 MB and used at most 5,000 MB: set-resources score: mem_mb_per_cpu=800"],
        ),
        (
            {"over_time": 1},
            1,
            ["1 job needed more than 20 min: set-resources prepare: runtime=40, or a smaller ingest.shard_size"],
        ),
        (
            {"minutes_asked": 240},
            1,
            [
                "asked for 240 min and ran 8 min at the longest; short jobs start sooner: "
                "set-resources prepare: runtime=20"
            ],
        ),
        (
            {"rule": "refine", "seconds_median": 20},
            1,
            ["half of 12 jobs ran under 20 s, mostly starting: a larger refine.chunk_rows"],
        ),
        ({"cpu_used": 0.3}, 1, ["kept 1.2 of 4 CPUs busy: prepare.threads=2"]),
        ({"rule": "controls", "over_memory": 1, "cpu_used": 0.1}, 1, []),
    ],
)
def test_what_to_change(changed, tasks, words):
    assert list(advice(replace(WELL, **changed), tasks)) == words
