"""What a runner started, and what is left of it: processes, cgroups, folders.

Every child of a runner carries BENCH_OWNER (`<process id>.<start time>` of the runner) and BENCH_GROUP.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def environments() -> Iterator[tuple[int, dict[bytes, bytes]]]:
    """Process id and environment of every process that lives and can be read."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            raw = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state != "Z":
            yield int(entry.name), dict(item.split(b"=", 1) for item in raw.split(b"\0") if b"=" in item)


def of_session(owner: int) -> dict[int, str]:
    """Processes that a runner's session started, with their group."""
    mine = f"{owner}.".encode()
    return {
        pid: values.get(b"BENCH_GROUP", b"?").decode() for pid, values in environments() if values.get(b"BENCH_OWNER", b"").startswith(mine)
    }


def members(owner: int, group: str) -> list[int]:
    """Processes of one group of a session, the first started first."""
    return sorted(pid for pid, name in of_session(owner).items() if name == group)


def children(pid: int) -> list[int]:
    """Child processes. Those of Postgres write their titles over their environment, so they are found in this way alone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def environment(pid: int) -> dict[str, str]:
    """The environment that a process was started with."""
    raw = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    return dict(item.split("=", 1) for item in raw.split("\0") if "=" in item)


def leftovers(owner: int) -> list[str]:
    """Everything of a session that is still there; its ports are those of its processes."""
    left = [f"process {pid} of group {group}" for pid, group in of_session(owner).items()]
    for root, folders, _ in os.walk("/sys/fs/cgroup"):
        left += [f"cgroup {root}/{name}" for name in folders if name.startswith("benchfw.") and f".{owner}." in name]
    runtime = Path(os.environ.get("BENCH_RUNTIME", tempfile.gettempdir()))
    left += [f"folder {p}" for p in runtime.glob(f"bench-frameworks-*.{owner}.*")]
    return left


def wait_for(what: Callable[[], T], limit_s: float, pace_s: float = 0.05) -> T:
    """The first true value of `what`, or its last one when `limit_s` seconds have passed."""
    end = time.monotonic() + limit_s
    while not (value := what()) and time.monotonic() < end:
        time.sleep(pace_s)
    return value


def wait_clean(owner: int, limit_s: float) -> list[str]:
    """Waits until nothing of a session is left; what is still there after `limit_s` seconds."""
    wait_for(lambda: not leftovers(owner), limit_s, 0.1)
    return leftovers(owner)
