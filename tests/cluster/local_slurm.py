"""A real Slurm on this machine: controller, accounting with its database, and nodes, all on the loopback address.

For the cluster tests, and for trying things by hand:

    python tests/cluster/local_slurm.py start     # installs Debian's packages when they are missing (root)
    python tests/cluster/local_slurm.py stop      # stops what this script started and nothing else

It needs root, because slurmd does. Snakemake drops SLURM_CONF inside its jobs, so the cluster has to be found at
Slurm's own place, /etc/slurm/slurm.conf; where that exists already, the machine has a Slurm of its own, and this one
stays away.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path("/tmp/molsieve-slurm")  # noqa: S108 - one a machine, as is /etc/slurm
SYSTEM_CONFIG = Path("/etc/slurm/slurm.conf")
PACKAGES = {
    "slurmctld": "slurmctld",
    "sbatch": "slurm-client",
    "slurmd": "slurmd",
    "slurmdbd": "slurmdbd",
    "munged": "munge",
    "mariadbd": "mariadb-server",
}
ACCOUNT, OTHER_ACCOUNT = "screening", "chemistry"
FIRST_PORT = 17800
NODES = ("n1", "n2")
CPUS = 4
"""CPUs and memory are what a node claims to have: Slurm counts them and does not look."""
MEMORY_MB = 12000

_SLURM_CONF = """
ClusterName=molsieve
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={run}/munge.sock
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={run}/slurmctld.own.pid
SlurmdPidFile={run}/slurmd-%n.own.pid
SlurmctldLogFile={log}/slurmctld.log
SlurmdLogFile={log}/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2,sched_min_interval=0
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=20
InactiveLimit=0
KillWait=2
OverTimeLimit=0
MinJobAge=3600
MaxJobCount=10000
PropagateResourceLimits=NONE
GresTypes=gpu
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={dbd_port}
AccountingStorageEnforce=associations,limits
AccountingStorageTRES=gres/gpu
AccountingStoragePass={run}/munge.sock
{nodes}
PartitionName=cpu Nodes=ALL Default=YES MaxTime=120 DefaultTime=10 DefMemPerCPU=500 State=UP
PartitionName=gpu Nodes={last} MaxTime=60 DefaultTime=10 DefMemPerCPU=500 State=UP
PartitionName=short Nodes={first} MaxTime=1 DefaultTime=1 DefMemPerCPU=500 State=UP
"""
_SLURMDBD_CONF = """
AuthType=auth/munge
AuthInfo=socket={run}/munge.sock
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={dbd_port}
SlurmUser=root
PidFile={run}/slurmdbd.own.pid
LogFile={log}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={db_port}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct
"""


class SlurmUnavailableError(Exception):
    """Slurm cannot be brought up here; the message says why."""


@dataclass(frozen=True)
class LocalSlurm:
    """Two nodes of four claimed CPUs.

    Partitions: cpu (both), gpu (the last node, which has a null device for a GPU) and short (the first one, a minute).
    """

    folder: Path = FOLDER

    @property
    def _run(self) -> Path:
        return self.folder / "run"

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def is_running(self) -> bool:
        """Whether this cluster is up already."""
        return _is_alive(self._run / "slurmctld.pid", "slurmctld")

    def start(self) -> None:
        """Bring up what does not run, and wait until every node is idle.

        Raises:
            SlurmUnavailableError: No root, packages that cannot be installed, or another Slurm on this machine.

        """
        _check_machine(self.folder)
        for folder in (self._run, self._log, *(self.folder / name for name in ("state", "tmp", "db"))):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.folder, self._run):
            folder.chmod(0o755)
        for node in NODES:
            (self.folder / "spool" / node).mkdir(parents=True, exist_ok=True)
        if not self.is_running():
            self._configure()
        if not SYSTEM_CONFIG.exists():
            SYSTEM_CONFIG.parent.mkdir(exist_ok=True)
            SYSTEM_CONFIG.unlink(missing_ok=True)
            SYSTEM_CONFIG.symlink_to(self.folder / "slurm.conf")
        self._start_munge()
        self._start_database()
        self.start_accounting()
        self.start_controller()
        for node in NODES:
            self.start_node(node)

    def stop(self) -> None:
        """Stop the daemons whose process numbers this cluster wrote down; nodes first."""
        for name in (*(f"slurmd-{node}" for node in NODES), "slurmctld", "slurmdbd", "mariadbd", "munged"):
            self.kill(name)
        if SYSTEM_CONFIG.is_symlink() and SYSTEM_CONFIG.readlink() == self.folder / "slurm.conf":
            SYSTEM_CONFIG.unlink()

    def kill(self, name: str, sent: signal.Signals = signal.SIGTERM) -> None:
        """End one daemon, e.g. ``slurmctld`` or ``slurmd-n2``, and wait until it is gone."""
        file = self._run / f"{name}.pid"
        program = name.partition("-")[0]
        if _is_alive(file, program):
            os.kill(int(file.read_text()), sent)
            try:
                _wait(20, f"{name} to end", lambda: not _is_alive(file, program))
            except SlurmUnavailableError:
                os.kill(int(file.read_text()), signal.SIGKILL)
        file.unlink(missing_ok=True)

    def start_accounting(self) -> None:
        """Start slurmdbd, and make the accounts when they are not there."""
        self._spawn("slurmdbd", ["slurmdbd", "-D"])
        _wait(60, "slurmdbd", lambda: _succeeds(["sacctmgr", "-n", "show", "cluster"]))
        if "molsieve" not in command("sacctmgr", "-n", "show", "cluster", "format=cluster%20"):
            command("sacctmgr", "-i", "add", "cluster", "molsieve")
        known = command("sacctmgr", "-n", "show", "account", "format=account%20").split()
        for account in (ACCOUNT, OTHER_ACCOUNT):
            if account not in known:
                command("sacctmgr", "-i", "add", "account", account, f"description={account}", "organization=test")
        user = command("id", "-un").strip()
        if ACCOUNT not in command("sacctmgr", "-n", "show", "assoc", f"user={user}", "format=account%20").split():
            command("sacctmgr", "-i", "add", "user", user, f"account={ACCOUNT}", f"defaultaccount={ACCOUNT}")

    def start_controller(self) -> None:
        """Start slurmctld, which takes up the jobs it knew."""
        self._spawn("slurmctld", ["slurmctld", "-D"])
        _wait(60, "slurmctld", lambda: _succeeds(["scontrol", "ping"]))

    def start_node(self, node: str) -> None:
        """Start a node's slurmd and wait until it takes jobs."""
        self._spawn(f"slurmd-{node}", ["slurmd", "-D", "-N", node])
        _wait(60, f"node {node}", lambda: self._takes_jobs(node))

    def _takes_jobs(self, node: str) -> bool:
        """Whether it does; a node that is down is asked to come back."""
        state = self.node_state(node)
        if state.startswith(("down", "drain")):
            # It may come back by itself before this reaches the controller, which then refuses.
            _succeeds(["scontrol", "update", f"NodeName={node}", "State=RESUME"])
        return state in ("idle", "mix", "alloc", "comp")

    def node_state(self, node: str) -> str:
        """State as sinfo writes it, e.g. ``idle``."""
        return command("sinfo", "-h", "-N", "-n", node, "-p", "cpu", "-o", "%t").strip()

    def _configure(self) -> None:
        names = {
            "folder": self.folder, "run": self._run, "log": self._log, "host": socket.gethostname().partition(".")[0],
            "port": FIRST_PORT, "dbd_port": FIRST_PORT + 1, "db_port": FIRST_PORT + 2,
            "first": NODES[0], "last": NODES[-1],
        }  # fmt: skip
        nodes = [
            f"NodeName={node} NodeHostname={names['host']} NodeAddr=127.0.0.1 Port={FIRST_PORT + 11 + number}"
            f" CPUs={CPUS} RealMemory={MEMORY_MB}{' Gres=gpu:fake:1' * (node == NODES[-1])} State=UNKNOWN"
            for number, node in enumerate(NODES)
        ]
        (self.folder / "slurm.conf").write_text(_SLURM_CONF.format(**names, nodes="\n".join(nodes)))
        # A null device whose name ends in its number: Slurm then sets CUDA_VISIBLE_DEVICES as for a real one.
        device = self.folder / "gpu0"
        if not device.exists():
            command("mknod", "-m", "666", str(device), "c", "1", "3")
        (self.folder / "gres.conf").write_text(f"NodeName={NODES[-1]} Name=gpu Type=fake File={device}\n")
        accounting = self.folder / "slurmdbd.conf"
        accounting.touch(mode=0o600)
        accounting.write_text(_SLURMDBD_CONF.format(**names))

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        if not key.exists():
            key.touch(mode=0o400)
            key.write_bytes(os.urandom(128))
        options = {
            "key-file": key, "socket": self._run / "munge.sock", "pid-file": self._run / "munged.own.pid",
            "seed-file": self.folder / "state" / "munge.seed", "log-file": self._log / "munged.log", "num-threads": 2,
        }  # fmt: skip
        self._spawn("munged", ["munged", "--foreground", "--force", *(f"--{k}={v}" for k, v in options.items())])
        _wait(20, "munged", (self._run / "munge.sock").exists)

    def _start_database(self) -> None:
        data, scratch = self.folder / "db" / "mysql", self.folder / "tmp"
        socket_file = scratch / "mariadb.sock"
        if not data.is_dir():
            for folder in (data.parent, scratch):
                shutil.chown(folder, "mysql")
            command(
                "mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={data.parent}", "--skip-test-db",
                "--auth-root-authentication-method=socket",
            )  # fmt: skip
        options = {
            "user": "mysql", "datadir": data.parent, "tmpdir": scratch, "bind-address": "127.0.0.1",
            "port": FIRST_PORT + 2, "socket": socket_file, "innodb-buffer-pool-size": "32M",
            "innodb-log-file-size": "16M", "innodb-lock-wait-timeout": 900, "innodb-flush-log-at-trx-commit": 0,
            "performance-schema": "OFF",
        }  # fmt: skip
        flags = ["--no-defaults", "--skip-name-resolve", "--skip-log-bin"]
        self._spawn("mariadbd", ["mariadbd", *flags, *(f"--{k}={v}" for k, v in options.items())])
        client = ["mariadb", "--no-defaults", "-S", str(socket_file), "-e"]
        _wait(60, "mariadb", lambda: _succeeds([*client, "select 1"]))
        command(
            *client,
            "CREATE USER IF NOT EXISTS slurm@127.0.0.1 IDENTIFIED BY 'slurm';"
            "CREATE DATABASE IF NOT EXISTS slurm_acct; GRANT ALL ON slurm_acct.* TO slurm@127.0.0.1;",
        )

    def _spawn(self, name: str, arguments: Sequence[str]) -> None:
        """Start a daemon in the foreground mode but in a session of its own, and write its number down."""
        file = self._run / f"{name}.pid"
        if _is_alive(file, name.partition("-")[0]):
            return
        with (self._log / f"{name}.out").open("ab") as out:
            process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                env=os.environ | {"SLURM_CONF": str(self.folder / "slurm.conf")},
            )  # fmt: skip
        file.write_text(str(process.pid))


def command(*arguments: str) -> str:
    """What a command printed.

    Raises:
        SlurmUnavailableError: It failed.

    """
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SlurmUnavailableError(f"{' '.join(arguments)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _check_machine(folder: Path) -> None:
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if os.geteuid() != 0:
        raise SlurmUnavailableError("a Slurm of one's own needs root")
    ours = SYSTEM_CONFIG.is_symlink() and SYSTEM_CONFIG.readlink() == folder / "slurm.conf"
    if SYSTEM_CONFIG.exists() and not ours:
        raise SlurmUnavailableError(f"this machine has a Slurm already ({SYSTEM_CONFIG})")
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise SlurmUnavailableError(f"missing: {', '.join(missing)}, and there is no apt-get")
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        done = subprocess.run(["apt-get", "-qq", *step], capture_output=True, text=True, check=False, env=quiet)
        if done.returncode != 0:
            raise SlurmUnavailableError(f"apt-get {step[0]} failed: {done.stderr.strip()[-300:]}")


def _is_alive(file: Path, program: str) -> bool:
    """Whether the process written in a file runs and still is that program."""
    try:
        folder = Path("/proc") / file.read_text().strip()
        state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" and program in (folder / "cmdline").read_text()
    except OSError:
        return False


def _succeeds(arguments: Sequence[str]) -> bool:
    return subprocess.run(arguments, capture_output=True, check=False).returncode == 0


def _wait(seconds: float, what: str, ready: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise SlurmUnavailableError(f"gave up waiting for {what}; the logs are in {FOLDER}/log")
        time.sleep(0.2)


def main() -> None:
    """Start or stop it by hand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["start", "stop"])
    action = parser.parse_args().action
    try:
        LocalSlurm().start() if action == "start" else LocalSlurm().stop()
    except SlurmUnavailableError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
