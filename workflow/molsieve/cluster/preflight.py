"""What can be known to be wrong before a run sends its first job, without sending one."""

from collections.abc import Sequence
from pathlib import Path

from molsieve.cluster.access import check_account, check_partition
from molsieve.cluster.finding import Finding, of_level
from molsieve.cluster.limits import check_requests
from molsieve.cluster.requests import RuleRequest
from molsieve.cluster.shared_folder import check_mount, mount_of
from molsieve.cluster.site import Site, read_site
from molsieve.errors import MolsieveError


def preflight(
    requests: Sequence[RuleRequest],
    *,
    account: str | None,
    partition: str | None,
    gpu_partition: str | None,
    folders: Sequence[Path],
    insist_folder: bool = False,
) -> list[str]:
    """Refuse a run that Slurm would refuse, or whose jobs would wait for ever or write where nobody reads.

    Args:
        requests: What the rules ask for.
        account: Slurm account; None: the user's default one.
        partition: Partition; None: the site's default one.
        gpu_partition: Partition for rules that ask for GPUs; None: the same.
        folders: Folders that login and compute nodes must share.
        insist_folder: The user knows that they are shared.

    Returns:
        Warnings, each with what to do.

    Raises:
        MolsieveError: All that is wrong at once, each with its fix; or Slurm does not answer.

    """
    found = admission(read_site(), requests, account, partition, gpu_partition)
    if not insist_folder:
        found += [check_mount(folder, mount_of(folder)) for folder in folders]
    problems = of_level(found, "problem")
    if problems:
        raise MolsieveError("\n".join(map(str, problems)), where="the cluster; no job was sent")
    return [str(finding) for finding in of_level(found, "warning")]


def admission(
    site: Site, requests: Sequence[RuleRequest], account: str | None, partition: str | None, gpu_partition: str | None
) -> list[Finding]:
    """What the site says to a run's account, its partitions and its rules."""
    found = [check_account(site, account), check_partition(site, partition, account)]
    further = {gpu_partition, *(request.partition for request in requests)} - {None, partition, site.default_partition}
    found += [check_partition(site, name, account) for name in sorted(filter(None, further))]
    return found + check_requests(site, requests, account, partition, gpu_partition)
