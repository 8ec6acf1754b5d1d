"""``molsieve cluster`` on a real Slurm: what is well there, and every fault that can be made without disturbing it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cluster.local_slurm import ACCOUNT, OTHER_ACCOUNT, command

from molsieve.cluster.preflight import preflight
from molsieve.cluster.requests import RuleRequest, asked_for
from molsieve.config import Config, load_yaml
from molsieve.errors import MolsieveError

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("slurm")]

MOLSIEVE = [sys.executable, "-m", "molsieve", "cluster"]
SMALL = RuleRequest("prepare", 1, 500, 5)


def doctor(folder, *options, prefix=(), **variables):
    arguments = [*prefix, *MOLSIEVE, "doctor", "--json", "--folder", str(folder), *options]
    done = subprocess.run(
        arguments, capture_output=True, text=True, check=False, cwd=folder, env=os.environ | variables
    )
    assert done.returncode in (0, 1), done.stderr
    facts = json.loads(done.stdout)
    assert facts["ok"] == (done.returncode == 0)
    return facts["findings"]


def said(findings, level):
    return {finding["about"]: finding["said"] for finding in findings if finding["level"] == level}


def refused(*requests, account=None, partition=None, gpu_partition=None, folders=()):
    with pytest.raises(MolsieveError) as error:
        preflight(
            requests or [SMALL], account=account, partition=partition, gpu_partition=gpu_partition, folders=folders
        )
    return str(error.value)


def _reason(number):
    """Why a job waits, once the scheduler has looked at it."""
    end = time.monotonic() + 20
    while (reason := command("squeue", "--noheader", f"--jobs={number}", "--format=%r").strip()) == "None":
        assert time.monotonic() < end
        time.sleep(0.2)
    return reason


@pytest.fixture
def partition():
    """Makes a partition of the given settings; gone after the test."""
    made = []

    def make(**settings):
        name = f"doctor-{os.getpid()}-{len(made)}"
        made.append(name)
        command("scontrol", "create", f"PartitionName={name}", *(f"{key}={value}" for key, value in settings.items()))
        return name

    yield make
    for name in made:
        command("scontrol", "delete", f"PartitionName={name}")


@pytest.fixture
def elsewhere(slurm, tmp_path):
    """Makes a configuration for Slurm's commands in which a daemon listens where none does."""

    def make(key):
        folder = tmp_path / "slurm"
        folder.mkdir()
        text = (slurm.folder / "slurm.conf").read_text()
        (folder / "slurm.conf").write_text(re.sub(rf"^{key}=.*$", f"{key}=1", text, flags=re.MULTILINE))
        shutil.copy(slurm.folder / "gres.conf", folder)
        return str(folder / "slurm.conf")

    return make


@pytest.fixture
def limited_account():
    """An account under which the user may have three jobs; gone after the test."""
    name, user = f"doctor{os.getpid()}", command("id", "-un").strip()
    command("sacctmgr", "-i", "add", "account", name, "description=x", "organization=test")
    command("sacctmgr", "-i", "add", "user", user, f"account={name}", "maxsubmitjobs=3")
    yield name
    command("sacctmgr", "-i", "delete", "user", user, f"account={name}")
    command("sacctmgr", "-i", "delete", "account", name)


def test_a_cluster_in_order(tmp_path):
    findings = doctor(tmp_path)
    assert said(findings, "problem") == {}
    well = said(findings, "ok")
    assert well["Slurm commands"].startswith("slurm-wlm")
    assert well["Slurm controller"].endswith("is UP")
    assert well["account"].startswith(f"{ACCOUNT}, your default account")
    assert well["partition"].startswith("cpu: 2 of 2 nodes usable; on a node up to 4 CPUs, 12000 MB")
    assert well["rules"] == "what the rules ask for fits into cpu"
    assert "read what was written here, and what it wrote is seen here" in well["folder from cpu"]
    assert "agree" in well["clock on cpu"]
    assert "molsieve" in well["Python on cpu"]
    # The nodes are this machine, so a job that sees the folder proves nothing about others.
    assert "ran on this very machine" in said(findings, "warning")["folder"]
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_a_gpu_that_slurm_gives_and_torch_does_not_see(tmp_path):
    findings = doctor(tmp_path, "--gpu-partition", "gpu")
    gpu = said(findings, "problem")["GPU on gpu"]
    assert gpu.startswith("n2: Slurm gave the job GPU 0, and torch")
    assert "read what was written here" in said(findings, "ok")["folder from gpu"]


def test_a_folder_that_nodes_do_not_share(tmp_path):
    """In a mount namespace of its own, a folder of this command is one that the nodes have not."""
    script = 'mount -t tmpfs none "$0" && cd "$0" && exec "$@"'
    hidden = ("unshare", "--mount", "sh", "-c", script, str(tmp_path))
    if subprocess.run([*hidden, "true"], capture_output=True).returncode:
        pytest.skip("mount namespaces are not allowed here")
    problems = said(doctor(tmp_path, prefix=hidden), "problem")
    assert "did not see what was written here" in problems["folder from cpu"]
    assert "the memory of this machine" in problems["folder"]


def test_an_environment_that_nodes_do_not_have(tmp_path):
    environment = tmp_path / "environment"
    environment.mkdir()
    script = 'mount -t tmpfs none "$0" && ln -s "$1" "$0/python" && shift && exec "$0/python" "$@"'
    hidden = ("unshare", "--mount", "sh", "-c", script, str(environment), sys.executable)
    if subprocess.run([*hidden, "-c", ""], capture_output=True).returncode:
        pytest.skip("mount namespaces are not allowed here")
    site = [
        f"import sys; sys.path[:0] = {[path for path in sys.path if path]!r}",
        "sys.argv = ['molsieve', *sys.argv[1:]]",
    ]
    (tmp_path / "run.py").write_text("\n".join([*site, "from molsieve.cli import main", "main()"]))
    (tmp_path / "work").mkdir()
    arguments = [str(tmp_path / "run.py"), "cluster", "doctor", "--json", "--folder", str(tmp_path / "work")]
    done = subprocess.run([*hidden, *arguments], capture_output=True, text=True, check=False)
    problems = said(json.loads(done.stdout)["findings"], "problem")
    assert f"finds no {environment}/python" in problems["Python on cpu"]


def test_a_job_that_does_not_start_is_given_up_and_cancelled(tmp_path):
    holder = command(
        "sbatch", "--parsable", "--partition=gpu", "--gres=gpu:1", "--time=2", "--output=/dev/null", "--wrap=sleep 60"
    ).strip()
    try:
        findings = doctor(tmp_path, "--partition", "short", "--gpu-partition", "gpu", "--wait", "10")
    finally:
        command("scancel", holder)
    waited = said(findings, "warning")["job on gpu"]
    assert re.search(r"job \d+ was still waiting for .+ after 10 s, and is cancelled", waited)
    assert "GPU on gpu" not in said(findings, "problem")
    assert "molsieve-doctor" not in command("squeue", "--noheader", "--format=%j", "--states=PD,R")


def test_ctrl_c_leaves_no_job_and_no_file(tmp_path):
    log = (tmp_path / "log").open("w")
    folder = tmp_path / "work"
    folder.mkdir()
    arguments = [*MOLSIEVE, "doctor", "--folder", str(folder)]
    process = subprocess.Popen(arguments, stdout=log, stderr=log, start_new_session=True)
    end = time.monotonic() + 60
    while not (jobs := re.findall(r"job (\d+) on cpu", (tmp_path / "log").read_text())):
        assert time.monotonic() < end, (tmp_path / "log").read_text()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) != 0
    assert "JobState=CANCELLED" in command("scontrol", "--oneliner", "show", "job", jobs[0])
    assert list(folder.iterdir()) == []
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("account", "problem"),
    [
        (OTHER_ACCOUNT, f"may not use the account '{OTHER_ACCOUNT}'"),
        ("screning", "Did you mean 'screening'?"),
    ],
)
def test_a_wrong_account(account, problem):
    assert problem in refused(account=account)
    # What would have happened: Slurm itself takes no such job.
    done = subprocess.run(["sbatch", f"--account={account}", "--wrap=true"], capture_output=True, text=True)
    assert "Invalid account" in done.stderr


def test_all_that_is_wrong_is_said_at_once():
    message = refused(account="screning", partition="cpus", folders=[Path("/dev/shm/run")])  # noqa: S108
    assert "Did you mean 'screening'?" in message
    assert "Did you mean 'cpu'?" in message
    assert "the memory of this machine, which no other node sees" in message
    assert message.count("fix:") == 3


def test_more_than_a_partition_gives():
    message = refused(
        RuleRequest("prepare", 5, 500, 1), RuleRequest("score", 1, 13_000, 1), RuleRequest("refine", 1, 500, 121),
        RuleRequest("triage", 1, 500, 61, gpus=1), gpu_partition="gpu",
    )  # fmt: skip
    assert "the partition cpu: prepare (5 CPUs); a job there gets at most 4 CPUs on a node" in message
    assert "the partition cpu: score (13000 MB); a job there gets at most 12000 MB on a node" in message
    assert "the partition cpu: refine (121 min); a job there may run 120 min" in message
    assert "the partition gpu: triage (61 min); a job there may run 60 min" in message
    # What would have happened: Slurm takes the job, and never starts it.
    number = command("sbatch", "--parsable", "--time=121", "--output=/dev/null", "--wrap=true").strip()
    try:
        assert _reason(number) in ("PartitionConfig", "PartitionTimeLimit")
    finally:
        command("scancel", number)


def test_partitions_that_do_not_take_the_job(partition):
    closed = partition(Nodes="n1", AllowAccounts=OTHER_ACCOUNT)
    assert f"{closed} takes no jobs of the account {ACCOUNT}" in refused(partition=closed)
    drained = partition(Nodes="n1", State="DRAIN")
    assert f"{drained} starts no jobs now (state DRAIN)" in refused(partition=drained)
    small = partition(Nodes="n1", MaxMemPerNode=400, MaxCPUsPerNode=1)
    assert "prepare (500 MB); a job there gets at most 400 MB" in refused(partition=small)
    no_gpu = partition(Nodes="n1")
    message = refused(RuleRequest("triage", 1, 500, 1, gpus=1), gpu_partition=no_gpu)
    assert f"too much for the partition {no_gpu}: triage (1 GPU); a node there has no GPU" in message
    assert "Try --gpu-partition cpu or gpu, or leave --gpu-partition out" in message


def test_a_run_in_order_is_let_through_quickly(tmp_path):
    started = time.monotonic()
    warnings = preflight(
        [SMALL, RuleRequest("triage", 1, 500, 5, gpus=1)],
        account=ACCOUNT, partition="cpu", gpu_partition="gpu", folders=[tmp_path], insist_folder=True,
    )  # fmt: skip
    assert warnings == []
    assert time.monotonic() - started < 2


def test_accounting_that_does_not_answer_stops_nothing(elsewhere, tmp_path, monkeypatch):
    conf = elsewhere("AccountingStoragePort")
    findings = doctor(tmp_path, "--no-jobs", SLURM_CONF=conf)
    warnings = said(findings, "warning")
    assert warnings["accounting"].endswith("Connection refused")
    assert warnings["account"] == "not checked, as accounting does not answer"
    assert "partition" in said(findings, "ok")
    monkeypatch.setenv("SLURM_CONF", conf)
    [warning] = preflight([SMALL], account="any", partition=None, gpu_partition=None, folders=[])
    assert warning.startswith("account: not checked, as accounting does not answer")


def test_a_controller_that_does_not_answer(elsewhere, tmp_path):
    problems = said(doctor(tmp_path, SLURM_CONF=elsewhere("SlurmctldPort")), "problem")
    assert problems["Slurm controller"].endswith("is DOWN")


def test_an_account_with_few_jobs(limited_account, tmp_path):
    findings = doctor(tmp_path, "--account", limited_account, "--no-jobs")
    assert "your account may have 3 running or waiting" in said(findings, "problem")["jobs at a time"]


def test_a_profile_that_asks_too_late(tmp_path):
    (tmp_path / "profile.yaml").write_text(
        "slurm-status-command: squeue\nslurm-init-seconds-before-status-checks: 2000\n"
    )
    findings = doctor(tmp_path, "--profile", str(tmp_path), "--no-jobs")
    [ended] = [finding for finding in findings if finding["about"] == "ended jobs"]
    assert ended["level"] == "problem"
    assert ended["fix"] == "Set slurm-init-seconds-before-status-checks: 1200 in the profile, or less."


def test_the_profile_it_writes_is_in_order(tmp_path):
    site = tmp_path / "site"
    done = subprocess.run(
        [*MOLSIEVE, "profile", str(site), "--gpu-partition", "gpu"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    findings = doctor(tmp_path, "--profile", str(site), "--no-jobs")
    assert set(said(findings, "problem")) <= {"folder"}
    profile = load_yaml(site / "profile.yaml")
    triage = next(request for request in asked_for(Config(), profile) if request.rule == "triage")
    assert (triage.partition, triage.gpus) == ("gpu", 1)
    assert profile["default-resources"]["slurm_account"] == ACCOUNT


def test_snakemake_takes_the_profile_it_writes(tmp_path):
    from molsieve import project_root

    site = tmp_path / "site"
    subprocess.run([*MOLSIEVE, "profile", str(site), "--gpu-partition", "gpu"], check=True, capture_output=True)
    snakemake = shutil.which("snakemake", path=str(Path(sys.executable).parent))
    done = subprocess.run(
        [snakemake, "--snakefile", str(project_root() / "Snakefile"), "--workflow-profile", str(site), "--dry-run"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "slurm_partition=cpu, slurm_account=screening" in done.stdout
