"""Podman as it must be called on this machine: its own storage, and limits that work under hybrid cgroups too."""

import ctypes
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# No systemd is asked for anything; ulimits, because podman's defaults may be above what this user may set.
WRAPPER = """\
#!/bin/sh
exec {podman} --cgroup-manager cgroupfs --events-backend file --storage-driver {driver} --root {store} --runroot {run} "$@"
"""
# netavark, because only its aardvark-dns answers for the names of services.
CONFIG = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
[network]
network_backend = "netavark"
network_config_dir = "{networks}"
"""


class Unavailable(Exception):
    """Containers cannot be run here; the message says why."""


class Engine:
    """A podman with storage of its own."""

    def __init__(self, work: Path, driver: str) -> None:
        self.work = work
        self.bin = work / "bin"
        self.bin.mkdir(parents=True, exist_ok=True)
        (work / "networks").mkdir()
        (work / "containers.conf").write_text(CONFIG.format(networks=work / "networks"))
        real = shutil.which("podman")
        if not real:
            raise Unavailable("podman is not on PATH")
        wrapper = self.bin / "podman"
        wrapper.write_text(WRAPPER.format(podman=real, driver=driver, store=work / "store", run=work / "run"))
        wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        self.env = os.environ | {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "CONTAINERS_CONF": str(work / "containers.conf"),
        }

    def __call__(self, *words: str, check: bool = True, seconds: float = 120) -> str:
        """What podman prints; of `logs` both streams, because the container's stderr comes on stderr."""
        done = subprocess.run(
            [str(self.bin / "podman"), *words],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"podman {' '.join(words)} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
        return (done.stdout + done.stderr if words[0] == "logs" else done.stdout).strip()


def unshare(what: int) -> None:
    """Moves this process, and what it starts, into a namespace of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(what) != 0:
        raise Unavailable(f"no namespace of our own: {os.strerror(ctypes.get_errno())}")


def own_mounts() -> None:
    """Under hybrid cgroups podman takes the unified hierarchy for the only one: it must not be there."""
    unshare(0x00020000)  # CLONE_NEWNS
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    if Path("/sys/fs/cgroup/unified").is_mount():
        subprocess.run(["umount", "/sys/fs/cgroup/unified"], check=True)


def own_network() -> None:
    """In a network of its own no port of the compose files is taken, and no network or rule is left afterwards. There is
    no way out of it: what is fetched must be there before."""
    unshare(0x40000000)  # CLONE_NEWNET
    subprocess.run(["/bin/busybox", "ip", "link", "set", "lo", "up"], check=True)


@contextmanager
def engine(work: Path) -> Iterator[Engine]:
    """A podman that can run a container here, and nothing of it afterwards."""
    if os.geteuid() != 0:
        raise Unavailable("not root: limits of rootless containers need a delegated cgroup v2")
    busybox = Path("/bin/busybox")
    if not busybox.is_file():
        raise Unavailable("busybox is not installed")
    why = ""
    for driver in ("overlay", "vfs"):
        podman = Engine(work / driver, driver)
        try:
            archive = work / "probe.tar"
            subprocess.run(["tar", "-C", "/", "-cf", str(archive), str(busybox).lstrip("/")], check=True)
            podman("import", str(archive), "probe:1")
            podman("run", "--rm", "--network", "none", "--cpus", "1", "probe:1", str(busybox), "true")
        except (AssertionError, subprocess.SubprocessError) as error:
            why = f"{driver}: {error}"
            podman("system", "reset", "--force", check=False)
            continue
        try:
            yield podman
        finally:
            podman("rm", "--all", "--force", "--time", "0", check=False)
            podman("system", "reset", "--force", check=False)
        return
    raise Unavailable("podman cannot run a container here: " + " ".join(why.split())[-400:])


def quota(pid: int) -> float | None:
    """CPUs that the cgroup of a process may use, in cgroup v1 or v2."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpu" in controllers.split(","):
            folder = Path("/sys/fs/cgroup", controllers, path.lstrip("/"))
            used, period = (int((folder / f"cpu.cfs_{what}_us").read_text()) for what in ("quota", "period"))
            return used / period if used > 0 else None
        if not controllers and (limit := Path("/sys/fs/cgroup", path.lstrip("/"), "cpu.max")).is_file():
            allowed, length = limit.read_text().split()
            return None if allowed == "max" else int(allowed) / int(length)
    return None
