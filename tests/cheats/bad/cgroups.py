"""What root can do to its own cgroups, of either version."""

import os
from pathlib import Path

from honest import impossible


def lines(name):
    return Path("/proc/self", name).read_text().splitlines()


def own():
    """(Mount, folder in it, version) of each hierarchy in which the lab has put this process."""
    mounts = [line.split(" - ")[0].split() + line.split(" - ")[1].split() for line in lines("mountinfo")]
    for line in lines("cgroup"):
        number, controllers, path = line.split(":", 2)
        if "benchfw." not in path:
            continue
        kind = "cgroup2" if number == "0" else "cgroup"
        for fields in mounts:
            options = fields[-1].split(",")
            if kind in fields and (kind == "cgroup2" or set(controllers.split(",")) <= set(options)):
                root = fields[3]
                yield Path(fields[4]), path.removeprefix(root if root != "/" else "").lstrip("/"), kind
                break


def leave():
    """Move this process to the root of each hierarchy."""
    for mount, _, _ in own():
        write(mount / "cgroup.procs", str(os.getpid()))


def unlimit():
    """Take the quota of this process's cgroup away."""
    for mount, folder, kind in own():
        name, text = ("cpu.max", "max") if kind == "cgroup2" else ("cpu.cfs_quota_us", "-1")
        if (mount / folder / name).exists():
            write(mount / folder / name, text)


def write(path, text):
    try:
        path.write_text(text)
    except OSError as error:
        impossible(f"{path.name}: {error.strerror}")
