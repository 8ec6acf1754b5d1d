import pytest

from molsieve import __version__
from molsieve.cluster.node_checks import judge
from molsieve.cluster.probe import NO_PYTHON, NOT_SEEN, NOT_WRITTEN, PYTHON_FAILED, Answer, Probe

FACTS = {
    "host": "n1", "python": "3.11.7", "molsieve": __version__, "molsieve_folder": "/opt", "torch": "2.13.0+cu130",
    "torch_cuda": "13.0", "cuda_visible_devices": "0", "gpus": ["NVIDIA A100"],
}  # fmt: skip


def answer(*, gpu=False, facts=FACTS, clock_s=(-1.5, 0.3), **values):
    usual = {"job": 7, "state": "COMPLETED", "exit_status": 0, "node": "n1", "written": True}
    return Answer(Probe("gpu", gpu=gpu), facts=facts, clock_s=clock_s, **{**usual, **values})


def problems(found):
    return [(finding.about, finding.said) for finding in found if finding.level == "problem"]


def test_a_healthy_node():
    found = judge(answer(gpu=True), 60)
    assert {finding.level for finding in found} == {"ok"}
    assert [finding.about for finding in found] == ["folder from gpu", "clock on gpu", "Python on gpu", "GPU on gpu"]
    assert found[-1].said == "n1: torch computes on NVIDIA A100"


@pytest.mark.parametrize(
    ("values", "about", "said"),
    [
        ({"refused": "Invalid qos specification", "job": None}, "job on gpu", "Slurm refuses it: Invalid qos"),
        ({"exit_status": NOT_SEEN, "state": "FAILED"}, "folder from gpu", "did not see what was written here"),
        ({"exit_status": NOT_WRITTEN, "state": "FAILED"}, "folder from gpu", "could not write there"),
        ({"written": False, "facts": None}, "folder from gpu", "wrote a file that is not seen here"),
        ({"exit_status": NO_PYTHON, "facts": None}, "Python on gpu", "finds no /"),
        ({"exit_status": PYTHON_FAILED, "facts": None, "state": "FAILED"}, "Python on gpu", "does not work there"),
        ({"state": "NODE_FAIL", "exit_status": 1, "written": False, "facts": None}, "job on gpu", "ended as NODE_FAIL"),
        ({"facts": {"host": "n1", "error": "ImportError: no torch"}}, "Python on gpu", "n1: ImportError: no torch"),
        ({"facts": FACTS | {"molsieve": "0.0.1"}}, "Python on gpu", "n1 has molsieve 0.0.1 in /opt, this machine"),
    ],
)
def test_what_can_be_wrong_on_a_node(values, about, said):
    [(found_about, found_said)] = problems(judge(answer(**values), 60))
    assert found_about == about
    assert said in found_said


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"cuda_visible_devices": None, "gpus": []}, "Slurm gave the job no GPU"),
        ({"torch_cuda": None, "gpus": []}, "this build of torch is for CPUs"),
        ({"gpus": []}, "its CUDA 13.0 and the node's driver do not fit"),
        ({"error": "RuntimeError: no kernel image"}, "torch sees NVIDIA A100 and cannot compute there: RuntimeError"),
    ],
)
def test_gpus_that_torch_cannot_use(facts, said):
    [(about, found)] = problems(judge(answer(gpu=True, facts=FACTS | facts), 60))
    assert about == "GPU on gpu"
    assert said in found


@pytest.mark.parametrize(
    ("clock_s", "said"),
    [((5.2, 9.0), "n1 is at least 5 s ahead"), ((-90.0, -30.4), "n1 is at least 30 s behind"), ((-9.0, 1.0), "agree")],
)
def test_clocks_differ_only_where_that_is_certain(clock_s, said):
    [clock] = [finding for finding in judge(answer(clock_s=clock_s), 60) if finding.about == "clock on gpu"]
    assert said in clock.said
    assert clock.level == ("ok" if said == "agree" else "warning")


def test_a_job_that_waits_is_no_problem():
    [finding] = judge(answer(state="PENDING", reason="Priority", facts=None), 60)
    assert (finding.level, finding.said) == (
        "warning",
        "job 7 was still waiting for Priority after 60 s, and is cancelled",
    )
