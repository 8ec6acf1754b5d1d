"""Why Slurm lets a job wait, in words."""

_WORDS = {
    "None": "just submitted",
    "Priority": "jobs with a higher priority go first",
    "Resources": "the nodes are busy",
    "BeginTime": "it may not start yet (begin time, or it was requeued a moment ago)",
    "Dependency": "it waits for another job",
    "JobArrayTaskLimit": "the limit of tasks at the same time of its array is reached",
    "JobHeldAdmin": "an administrator holds it",
    "JobHeldUser": "you hold it (scontrol release)",
    "JobLaunchFailure": "it could not be started on its node; ask the administrators",
    "Licenses": "a licence it asks for is in use",
    "NodeDown": "a node it needs is down",
    "PartitionDown": "its partition is down",
    "PartitionInactive": "its partition takes no jobs to start now",
    "PartitionNodeLimit": "it asks for more than its partition has; it will not start",
    "PartitionTimeLimit": "it asks for more time than its partition allows; it will not start",
    "BadConstraints": "no node has what it asks for; it will not start",
    "InvalidAccount": "its account may not be used; it will not start",
    "InvalidQOS": "its quality of service may not be used; it will not start",
    "AccountNotAllowed": "its partition does not take its account; it will not start",
    "Reservation": "it waits for its reservation",
    "Nodes required for job are DOWN": "the nodes it could use are down or reserved",
    "ReqNodeNotAvail": "the nodes it could use are down or reserved",
}


def why_waiting(reason: str) -> str:
    """A reason as ``squeue`` gives it, in words, with Slurm's own word behind.

    Limits of accounts and qualities of service have some hundred names, of the form ``QOSMaxCpuPerUserLimit`` or
    ``AssocGrpGRES``; they say the same to whoever waits.
    """
    key = reason.strip("()").split(",")[0]
    if key in _WORDS:
        said = _WORDS[key]
    elif "PerJob" in key or "PerNode" in key:
        said = "it asks for more than one job may have; it will not start"
    elif key.startswith("QOS"):
        said = "a limit of its quality of service is reached"
    elif key.startswith(("Assoc", "Max")):
        said = "a limit of your account is reached"
    else:
        return key
    return said if key == "None" else f"{said} ({key})"
