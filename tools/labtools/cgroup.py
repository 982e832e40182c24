"""What a container may use and has used, read from its cgroup (v1 or v2) by the process id that the engine tells."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Usage:
    """Counters since the cgroup was made."""

    quota_cpus: float | None
    """CPUs that it may use; None: no quota is in force."""
    cpu_s: float
    """CPU time used, seconds."""
    periods: int
    """Quota periods in which it ran."""
    throttled_periods: int
    """Of these, periods in which it was throttled."""


def fields(path: Path) -> dict[str, int]:
    """A file of `name value` lines."""
    return {name: int(value) for name, value in (line.split() for line in path.read_text().splitlines())}


def v1(folders: dict[str, Path]) -> Usage:
    """One hierarchy a controller."""
    cpu = folders["cpu"]
    used, period = (int((cpu / f"cpu.cfs_{what}_us").read_text()) for what in ("quota", "period"))
    stat = fields(cpu / "cpu.stat")
    seconds = int((folders["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
    return Usage(used / period if used > 0 else None, seconds, stat["nr_periods"], stat["nr_throttled"])


def v2(folder: Path) -> Usage:
    """The unified hierarchy."""
    used, period = (folder / "cpu.max").read_text().split()
    stat = fields(folder / "cpu.stat")
    quota = None if used == "max" else int(used) / int(period)
    return Usage(quota, stat["usage_usec"] / 1e6, stat["nr_periods"], stat["nr_throttled"])


def read(pid: int, root: Path = ROOT, proc: Path = Path("/proc")) -> Usage | None:
    """Of the cgroup that the process is in; None where it cannot be seen from here (a virtual machine's engine, say)."""
    folders = {}
    try:
        for line in (proc / str(pid) / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            for controller in filter(None, controllers.split(",")):
                folders[controller] = root / controllers / path.lstrip("/")
            if not controllers and (root / path.lstrip("/") / "cpu.max").is_file():
                return v2(root / path.lstrip("/"))
        return v1(folders)
    except (OSError, KeyError, ValueError):
        return None
