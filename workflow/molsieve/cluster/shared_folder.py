"""Whether compute nodes can see a folder, as far as the login node can tell."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from molsieve.cluster.finding import Finding, ok, problem, warning

# As the kernel names them; what starts with fuse. is decided by the rest.
_SHARED_TYPES = {
    "nfs", "nfs4", "lustre", "gpfs", "mmfs", "beegfs", "fhgfs", "ceph", "cephfs", "glusterfs", "panfs", "afs", "cifs",
    "smb3", "pvfs2", "orangefs", "wekafs", "gfs2", "ocfs2", "moosefs", "mfs", "juicefs", "dfuse", "daos", "9p",
    "virtiofs", "quobyte",
}  # fmt: skip
_MEMORY_TYPES = {"tmpfs", "ramfs", "devtmpfs"}
_LOCAL_PLACES = (
    "/tmp", "/var/tmp", "/dev/shm", "/run",  # noqa: S108 - named, not used
    "/local", "/localscratch", "/local_scratch", "/lscratch", "/scratch/local", "/ssd", "/nvme",
)  # fmt: skip
_LOCAL_VARIABLES = ("TMPDIR", "SLURM_TMPDIR", "LOCAL_SCRATCH", "LOCALSCRATCH")
_FULL_BELOW = 2**30
_TIGHT_BELOW = 20 * 2**30


@dataclass(frozen=True)
class Mount:
    """Where a folder lies: mount point and type of the file system, as the kernel names them."""

    point: Path
    kind: str

    @property
    def is_shared(self) -> bool:
        """Whether this type of file system is one that machines share."""
        return self.kind.removeprefix("fuse.") in _SHARED_TYPES


def mount_of(folder: Path, mounts: str | None = None) -> Mount:
    """The mount a folder lies on, or will lie on when it does not exist yet.

    Args:
        folder: Any path.
        mounts: What ``/proc/self/mounts`` says; read from there when not given.

    """
    text = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace") if mounts is None else mounts
    resolved = folder.resolve()
    found = Mount(Path("/"), "unknown")
    for line in text.splitlines():
        _, point, kind, *_ = line.split(" ")
        place = Path(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), point))
        # Of mounts on one point the last one counts.
        if resolved.is_relative_to(place) and len(place.parts) >= len(found.point.parts):
            found = Mount(place, kind)
    return found


def check_mount(folder: Path, mount: Mount) -> Finding:
    """What the kind and the place of a file system tell about compute nodes seeing it."""
    about = "folder"
    where = f"{folder} lies on {mount.kind} mounted at {mount.point}"
    fix = (
        "Use a folder that all nodes share, e.g. in your home, the group's project folder or the parallel scratch; or"
        " insist with --shared-folder."
    )
    if mount.is_shared:
        return ok(about, f"{where}, a kind that machines share")
    if mount.kind in _MEMORY_TYPES:
        return problem(about, f"{where}: the memory of this machine, which no other node sees", fix)
    resolved = folder.resolve()
    local = next((place for place in _local_places() if resolved.is_relative_to(place)), None)
    if local is not None:
        return problem(about, f"{where}: each node has a {local} of its own", fix)
    return warning(
        about,
        f"{where}, a disk of this machine; whether it is shared with the nodes cannot be seen from here",
        "`molsieve cluster doctor --folder` finds out with a small job.",
    )


def check_space(folder: Path) -> Finding:
    """Whether there is room for a run; what a quota leaves is not seen."""
    about = "disk space"
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    said = f"{free / 2**30:.1f} GiB free at {existing}"
    if not os.access(existing, os.W_OK | os.X_OK):
        return problem(about, f"you may not write to {existing}", "Choose a folder of your own.")
    fix = "Free some, or choose another folder; docs/scale.md says what a library needs."
    if free < _FULL_BELOW:
        return problem(about, said, fix)
    if free < _TIGHT_BELOW:
        return warning(about, said, fix)
    return ok(about, f"{said} (a quota is not seen here)")


def _local_places() -> list[Path]:
    named = [os.environ[name] for name in _LOCAL_VARIABLES if os.environ.get(name)]
    return [Path(place).resolve() for place in (*_LOCAL_PLACES, *named)]
