"""``molsieve cluster``: whether a site is ready for runs, and a profile for it."""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from molsieve.commands.terminal import console

if TYPE_CHECKING:
    from collections.abc import Callable

    from molsieve.cluster.doctor import Setup
    from molsieve.cluster.finding import Finding
    from molsieve.cluster.probe import Answer

EXIT_PROBLEM = 1
_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}

cluster_app = typer.Typer(help="Slurm clusters: is this one ready, and a profile for it.", no_args_is_help=True)

Account = Annotated[str | None, typer.Option(help="Slurm account; your default one when not given.")]
PartitionName = Annotated[str | None, typer.Option("--partition", help="Partition; the default one when not given.")]
GpuPartition = Annotated[str | None, typer.Option(help="Partition with GPUs, for the predictions.")]


@cluster_app.command("doctor")
def doctor_command(
    account: Account = None,
    partition: PartitionName = None,
    gpu_partition: GpuPartition = None,
    folder: Annotated[Path, typer.Option(help="Where you will start runs: their work folder lies there.")] = Path(),
    profile: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Profile of your site; the shipped one when not given.")
    ] = None,
    jobs: Annotated[bool, typer.Option("--jobs/--no-jobs", help="Send a small job to each partition.")] = True,
    wait: Annotated[float, typer.Option(min=1, help="Seconds to wait for these jobs.")] = 120,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check from the login node that runs will work on this Slurm cluster; exit with 1 when something would stop them.

    Example: molsieve cluster doctor --account my-account --gpu-partition gpu --folder /scratch/me
    """
    from molsieve.cluster.doctor import ask_nodes, is_healthy, look, look_at_folder
    from molsieve.cluster.node_checks import judge

    setup = _setup(account, partition, gpu_partition, folder, profile)
    found, site = look(setup)
    if not as_json:
        _show(found)
    answers: list[Answer] = []
    if jobs and site is not None:
        with _countdown() as watch:
            answers = ask_nodes(setup, site, wait, watch)
    of_nodes = [finding for answer in answers for finding in judge(answer, wait)]
    of_nodes += look_at_folder(folder, answers)
    found += of_nodes
    if as_json:
        facts = {"ok": is_healthy(found), "findings": [dataclasses.asdict(finding) for finding in found]}
        typer.echo(json.dumps(facts, indent=1))
    else:
        _show(of_nodes)
        _conclude(found)
    if not is_healthy(found):
        raise typer.Exit(EXIT_PROBLEM)


@cluster_app.command("profile")
def profile_command(
    folder: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="Folder for the profile.")],
    account: Account = None,
    partition: PartitionName = None,
    gpu_partition: GpuPartition = None,
) -> None:
    """Write a Snakemake profile for this cluster: the commented template with what Slurm says filled in.

    Example: molsieve cluster profile my-cluster --account my-account --gpu-partition gpu

    Then: molsieve run vendor.sdf --slurm --slurm-profile my-cluster
    """
    from molsieve.cluster.site import read_site
    from molsieve.cluster.site_profile import profile_for
    from molsieve.errors import MolsieveError
    from molsieve.files import write_text

    file = folder / "profile.yaml"
    if file.exists():
        raise MolsieveError(
            f"{file} is there already", where="OUT_DIR", fix="Choose another folder, or remove that file."
        )
    site = read_site()
    write_text(file, profile_for(site, account, partition, gpu_partition))
    typer.echo(f"{file} is written. Read its comments, then: molsieve cluster doctor --profile {folder}")
    with_gpus = [each.name for each in site.partitions.values() if each.has_gpus]
    if gpu_partition is None and with_gpus:
        typer.echo(f"Predictions use CPUs; partitions with GPUs here: {', '.join(with_gpus)} (--gpu-partition).")


def _setup(
    account: str | None, partition: str | None, gpu_partition: str | None, folder: Path, profile: Path | None
) -> "Setup":
    """What a run with these options and this profile would use."""
    from molsieve.cluster.doctor import Setup
    from molsieve.cluster.executor_profile import executor_profile
    from molsieve.cluster.requests import asked_for
    from molsieve.config import Config

    settings = executor_profile(profile, "doctor", folder, account, partition, gpu_partition)
    defaults = settings["default-resources"]
    config, attempts = Config(), 1 + int(settings.get("retries") or 0)
    requests = tuple(asked_for(config, settings))
    return Setup(
        account=defaults.get("slurm_account"),
        partition=defaults.get("slurm_partition"),
        gpu_partition=next((request.partition for request in requests if request.gpus), None),
        folder=folder,
        requests=requests,
        last_requests=tuple(asked_for(config, settings, attempt=attempts)),
        profile=settings,
    )


def _show(found: "list[Finding]") -> None:
    out = console()
    for finding in found:
        out.print(
            f"[{_STYLES[finding.level]}]{finding.level:<8}[/] {escape(f'{finding.about}: {finding.said}')}",
            soft_wrap=True,
        )
        if finding.fix:
            out.print(f"{'':<8} fix: {escape(finding.fix)}", soft_wrap=True)


def _conclude(found: "list[Finding]") -> None:
    counts = {level: sum(finding.level == level for finding in found) for level in _STYLES}
    verdict = "Not ready" if counts["problem"] else "Ready"
    typer.echo(f"{verdict}: {counts['problem']} problems, {counts['warning']} warnings, {counts['ok']} ok.")


@contextmanager
def _countdown() -> "Iterator[Callable[[list[Answer], float], None]]":
    """What the jobs wait for, with the seconds left; on a terminal one line that changes, else a line a change."""
    out = Console(stderr=True, highlight=False)
    said = ""
    with out.status("sending jobs") as status:

        def watch(answers: "list[Answer]", left_s: float) -> None:
            nonlocal said
            now = ", ".join(_standing(answer) for answer in answers if answer.refused is None)
            status.update(f"{escape(now)}; {left_s:.0f} s left")
            if now != said and not out.is_terminal:
                out.print(f"{escape(now)}; {left_s:.0f} s left", soft_wrap=True)
            said = now

        yield watch


def _standing(answer: "Answer") -> str:
    waits = f" ({answer.reason})" if answer.state == "PENDING" and answer.reason not in ("", "None") else ""
    return f"job {answer.job} on {answer.probe.partition} {answer.state.lower()}{waits}"
