"""What the answers of compute nodes mean for a run."""

import sys

from molsieve import __version__
from molsieve.cluster.finding import Finding, ok, problem, warning
from molsieve.cluster.probe import NO_PYTHON, NOT_SEEN, NOT_WRITTEN, PYTHON_FAILED, Answer

_CLOCK_S = 2.0


def judge(answer: Answer, timeout_s: float) -> list[Finding]:
    """What the answer of one probe says about its partition.

    Args:
        answer: Of :func:`molsieve.cluster.probe.ask`.
        timeout_s: Seconds that it was waited for.

    """
    name = answer.probe.partition
    job = f"job on {name}"
    if answer.refused is not None:
        return [problem(job, f"Slurm refuses it: {answer.refused}", "See what is said above of account and partition.")]
    if not answer.is_over:
        waits = f"waiting for {answer.reason}" if answer.state == "PENDING" else answer.state.lower()
        return [
            warning(
                job,
                f"job {answer.job} was still {waits} after {timeout_s:.0f} s, and is cancelled",
                "The partition may be busy: try again later, or with a longer --wait.",
            )
        ]
    ran = f"job {answer.job} on node {answer.node or '?'}"
    folder = _judge_folder(answer, ran)
    if folder.level == "problem":
        return [folder]
    if answer.facts is None:
        return [folder, _judge_missing_facts(answer, ran)]
    found = [folder, _judge_clock(answer), _judge_python(answer)]
    return [*found, _judge_gpu(answer)] if answer.probe.gpu else found


def _judge_folder(answer: Answer, ran: str) -> Finding:
    about = f"folder from {answer.probe.partition}"
    fix = "Use a folder that all nodes share, e.g. in your home, the group's project folder or the parallel scratch."
    if answer.exit_status == NOT_SEEN:
        return problem(about, f"{ran} did not see what was written here: each node has its own", fix)
    if answer.exit_status == NOT_WRITTEN:
        return problem(about, f"{ran} could not write there", "Check that compute nodes may write to it, or " + fix)
    if answer.written:
        return ok(about, f"{ran} read what was written here, and what it wrote is seen here")
    if answer.exit_status in (0, NO_PYTHON, PYTHON_FAILED):
        return problem(about, f"{ran} wrote a file that is not seen here", fix)
    return problem(
        f"job on {answer.probe.partition}",
        f"{ran} ended as {answer.state} ({answer.reason}, exit status {answer.exit_status})",
        "Try again; if it stays, show this line to the site's support.",
    )


def _judge_missing_facts(answer: Answer, ran: str) -> Finding:
    about = f"Python on {answer.probe.partition}"
    if answer.exit_status == NO_PYTHON:
        return problem(
            about,
            f"{ran} finds no {sys.executable}",
            "Install molsieve into a folder that all nodes share, and start it from there.",
        )
    return problem(
        about,
        f"{ran}: {sys.executable} does not work there (job {answer.state}, {answer.reason})",
        "The node may have another system or processor; install molsieve on a compute node (srun --pty bash).",
    )


def _judge_clock(answer: Answer) -> Finding:
    about = f"clock on {answer.probe.partition}"
    least, most = answer.clock_s or (0.0, 0.0)
    fix = "Tell the site's support (NTP): Snakemake compares the times of files, and may run steps again or skip them."
    if least > _CLOCK_S:
        return warning(about, f"{answer.node} is at least {least:.0f} s ahead of this machine", fix)
    if most < -_CLOCK_S:
        return warning(about, f"{answer.node} is at least {-most:.0f} s behind this machine", fix)
    return ok(about, f"{answer.node} and this machine agree, as far as a job can tell ({least:+.1f} to {most:+.1f} s)")


def _judge_python(answer: Answer) -> Finding:
    about = f"Python on {answer.probe.partition}"
    facts = answer.facts or {}
    if "molsieve" not in facts or "torch" not in facts:
        return problem(
            about,
            f"{answer.node}: {facts.get('error', 'molsieve cannot be imported')}",
            "Install molsieve, with all it needs, into a folder that all nodes share, and start it from there.",
        )
    if facts["molsieve"] != __version__:
        return problem(
            about,
            f"{answer.node} has molsieve {facts['molsieve']} in {facts['molsieve_folder']}, this machine {__version__}",
            "Use one installation in a folder that all nodes share.",
        )
    return ok(about, f"{facts['python']}, molsieve {facts['molsieve']}, torch {facts['torch']}")


def _judge_gpu(answer: Answer) -> Finding:
    about = f"GPU on {answer.probe.partition}"
    facts = answer.facts or {}
    allocated, gpus = facts.get("cuda_visible_devices"), facts.get("gpus")
    if gpus and "error" not in facts:
        return ok(about, f"{answer.node}: torch computes on {', '.join(gpus)}")
    if not allocated:
        return problem(
            about,
            f"{answer.node}: Slurm gave the job no GPU (CUDA_VISIBLE_DEVICES is not set)",
            "Ask the site's support how its GPUs are asked for; put it under triage in the profile (gres).",
        )
    if gpus:
        return problem(
            about,
            f"{answer.node}: torch sees {', '.join(gpus)} and cannot compute there: {facts['error']}",
            "Install the build of torch for this card and its driver (pytorch.org, Get Started).",
        )
    said = f"{answer.node}: Slurm gave the job GPU {allocated}, and torch {facts.get('torch')} does not see it"
    if facts.get("torch_cuda") is None:
        return problem(
            about,
            f"{said}: this build of torch is for CPUs",
            "Install the CUDA build of the same version (pytorch.org, Get Started), or leave --gpu-partition out.",
        )
    why = f" ({facts['error']})" if "error" in facts else ""
    return problem(
        about,
        f"{said}: its CUDA {facts['torch_cuda']} and the node's driver do not fit{why}",
        "Install the build of torch for the driver's CUDA (nvidia-smi on the node says which), or leave "
        "--gpu-partition out.",
    )
