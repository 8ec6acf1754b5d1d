"""What a Slurm 22.05.8 printed, and the site it stands for.

The first three partitions are those of tests/cluster/local_slurm.py; the others were made with scontrol create. The GPU
nodes of ``big`` are written after Slurm's documentation of gres.
"""

from dataclasses import replace

from molsieve.cluster.site import Site, parse_accounting, parse_partitions

_REST = (
    "AllocNodes=ALL {default} QoS=N/A DefaultTime=00:10:00 DisableRootJobs=NO ExclusiveUser=NO GraceTime=0 Hidden=NO "
    "MaxNodes=UNLIMITED MaxTime={time} MinNodes=0 LLN=NO MaxCPUsPerNode={cpus} Nodes=n[1-2] PriorityJobFactor=1 "
    "PriorityTier=1 RootOnly=NO ReqResv=NO OverSubscribe=NO OverTimeLimit=NONE PreemptMode=OFF State={state} "
    "TotalCPUs=8 TotalNodes=2 SelectTypeParameters=NONE JobDefaults=(null) DefMemPerCPU=500 MaxMemPerNode={memory} "
    "TRES=cpu=8,mem=24000M,node=2,billing=8,gres/gpu=1"
)


def _line(name, allow="AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL", **values):
    usual = {"default": "Default=NO", "time": "02:00:00", "cpus": "UNLIMITED", "state": "UP", "memory": "UNLIMITED"}
    return f"PartitionName={name} {allow} {_REST.format(**{**usual, **values})}\n"


PARTITIONS = (
    _line("cpu", default="Default=YES")
    + _line("gpu", time="01:00:00")
    + _line("short", time="00:01:00")
    + _line("closed", "AllowGroups=ALL AllowAccounts=chemistry AllowQos=ALL", time="7-00:00:00")
    + _line("denied", "AllowGroups=ALL DenyAccounts=screening DenyQos=x", time="UNLIMITED", cpus="2", memory="4000")
    + _line("group", "AllowGroups=nobody-is-in-this AllowAccounts=ALL AllowQos=ALL")
    + _line("drained", state="DRAIN")
    + _line("broken")
    + _line("empty")
    + _line("long", "AllowGroups=ALL AllowAccounts=ALL AllowQos=long,extra", time="7-00:00:00")
    + _line("big", "AllowGroups=ALL AllowAccounts=ALL AllowQos=express", time="UNLIMITED")
)
NODES = """\
cpu|1|4|12000|(null)|idle
cpu|1|4|12000|gpu:fake:1|mixed
gpu|1|4|12000|gpu:fake:1|idle
short|2|4|12000|(null)|idle
closed|1|4|12000|(null)|idle
denied|1|4|12000|(null)|idle
group|1|4|12000|(null)|idle
drained|1|4|12000|(null)|drained
broken|1|4|12000|(null)|down*
broken|2|4|12000|(null)|drained*
empty|0|0|0|(null)|n/a
long|1|64|12000|(null)|idle~
long|3|4|240000|(null)|allocated
big|4|64|512000|gpu:a100:4(S:0-1),gpu:v100:2(S:0,3),lustre:1|idle
"""
ACCOUNTS = "chemistry\nroot\nscreening\n"
ASSOCIATIONS = "screening|||40|long,normal|\nroot|||||\n"
DEFAULT_ACCOUNT = "screening\n"


def site(**changes):
    """The recorded site, changed."""
    found = Site(
        name="molsieve",
        user="ada",
        partitions=parse_partitions(PARTITIONS, NODES),
        accounting=parse_accounting(ACCOUNTS, ASSOCIATIONS, DEFAULT_ACCOUNT),
        accounting_said="",
        min_job_age_s=300,
    )
    return replace(found, **changes)
