from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.cluster.recorded import site

from molsieve.cluster.doctor import Setup, check_accounting, check_memory_of_jobs, check_retries, probes_of
from molsieve.cluster.requests import RuleRequest


def setup(**values):
    return Setup(
        **{
            "account": None, "partition": None, "gpu_partition": None, "folder": Path(), "requests": (),
            "last_requests": (), "profile": {}, **values,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("profile", "age", "level", "fix"),
    [
        ({"slurm-status-command": "squeue", "slurm-init-seconds-before-status-checks": 100}, 300, "ok", None),
        (
            {"slurm-status-command": "squeue", "slurm-init-seconds-before-status-checks": 101},
            300,
            "problem",
            ": 100 in",
        ),
        ({"slurm-status-command": "squeue"}, 60, "problem", "before-status-checks: 20 in"),
        ({"slurm-status-command": "squeue"}, 2, "problem", "raise MinJobAge"),
        ({"slurm-status-command": "squeue"}, None, "warning", "MinJobAge"),
        ({}, 300, "warning", "slurm-status-command: squeue"),
    ],
)
def test_how_long_squeue_knows_jobs_that_ended(profile, age, level, fix):
    found = check_memory_of_jobs(site(min_job_age_s=age), profile)
    assert found.level == level
    assert fix is None or fix in found.fix


def test_accounting_is_not_needed_for_a_run():
    assert check_accounting(site()).level == "ok"
    assert check_accounting(site(accounting=None, accounting_said="Connection refused")).level == "warning"


def test_what_only_the_last_attempt_asks_for_is_a_warning():
    asked = RuleRequest("prepare", 1, 500, 60)
    last = setup(requests=(asked,), last_requests=(replace(asked, runtime_min=180),), profile={"retries": 2})
    [finding] = check_retries(site(), last)
    assert finding.level == "warning"
    assert "prepare (180 min)" in finding.said
    assert finding.fix.endswith("or lower runtime in the profile. Or lower retries (2) there.")
    assert check_retries(site(), replace(last, requests=last.last_requests)) == [], "said already"


def test_a_probe_is_sent_as_the_profile_sends_jobs():
    gpu = RuleRequest("triage", 1, 500, 5, gpus=1, gpu_type="a100", partition="big")
    profile = {"slurm-qos": "fast", "default-resources": {"constraint": "ib", "slurm_extra": "--exclude='n7 n8'"}}
    cpu, on_gpu = probes_of(setup(account="screening", gpu_partition="big", requests=(gpu,), profile=profile), site())
    assert (cpu.partition, cpu.gpu, cpu.minutes) == ("cpu", False, 5)
    assert cpu.options == ("--account=screening", "--qos=fast", "--constraint=ib", "--exclude=n7 n8", "--mem=2000")
    assert (on_gpu.partition, on_gpu.options[-1]) == ("big", "--gres=gpu:a100:1")


def test_no_probe_goes_where_it_cannot_run():
    assert [probe.partition for probe in probes_of(setup(partition="none", gpu_partition="short"), site())] == []
    assert probes_of(setup(partition="short"), site())[0].minutes == 1
