from pathlib import Path

import pytest

from molsieve.cluster.shared_folder import Mount, check_mount, check_space, mount_of

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
tmpfs /run tmpfs rw 0 0
nas:/home /home nfs4 rw,vers=4.2 0 0
/dev/sdb1 /home/local\\040disk xfs rw 0 0
10.0.0.1@o2ib:/work /work lustre rw 0 0
/dev/sdc1 /data xfs rw 0 0
data /data fuse.glusterfs rw 0 0
"""
TMP = "/" + "tmp"


@pytest.mark.parametrize(
    ("folder", "point", "kind", "shared"),
    [
        ("/opt/x", "/", "ext4", False),
        ("/run/x", "/run", "tmpfs", False),
        ("/home/ada/run", "/home", "nfs4", True),
        ("/home/local disk/run", "/home/local disk", "xfs", False),
        ("/homes/run", "/", "ext4", False),
        ("/work", "/work", "lustre", True),
        ("/data/run", "/data", "fuse.glusterfs", True),
    ],
)
def test_the_mount_of_a_folder(folder, point, kind, shared):
    mount = mount_of(Path(folder), MOUNTS)
    assert (mount, mount.is_shared) == (Mount(Path(point), kind), shared)


@pytest.mark.parametrize(
    ("folder", "kind", "level"),
    [
        ("/home/ada", "nfs4", "ok"),
        (f"{TMP}/ada", "nfs4", "ok"),
        ("/home/ada", "ext4", "warning"),
        ("/home/ada", "tmpfs", "problem"),
        (f"{TMP}/ada", "ext4", "problem"),
        (f"{TMP}files", "ext4", "warning"),
        ("/scratch/local/ada", "xfs", "problem"),
        ("/scratch/ada", "xfs", "warning"),
    ],
)
def test_what_a_mount_tells(folder, kind, level, monkeypatch):
    monkeypatch.delenv("TMPDIR", raising=False)
    assert check_mount(Path(folder), Mount(Path("/"), kind)).level == level


def test_a_scratch_disk_that_the_site_names_in_the_environment(monkeypatch):
    monkeypatch.setenv("TMPDIR", "/node-disk/ada")
    found = check_mount(Path("/node-disk/ada/run"), Mount(Path("/node-disk"), "xfs"))
    assert found.level == "problem"
    assert "each node has a /node-disk/ada of its own" in found.said


def test_a_link_is_judged_by_where_it_leads(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "local"))
    (tmp_path / "work").symlink_to(tmp_path / "local")
    assert check_mount(tmp_path / "work" / "run", Mount(Path("/"), "xfs")).level == "problem"


def test_a_small_disk(full_disk):
    found = check_space(full_disk / "run" / "that is not there yet")
    assert found.level == "problem"
    assert f"0.0 GiB free at {full_disk}" in found.said
