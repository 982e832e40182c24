# The long run behind `nix run .#bench-…`: hands the arguments to the guest, shows what the runner says, and copies its
# results out, also when it failed. It runs on the host; without the app's variables the plan is the default one.
import os
import shlex
import time
from pathlib import Path, PurePosixPath

UNIT = "bench-run.service"


def variables() -> str:
    """What the guest cannot know by itself."""
    lines = [f"BENCH_ACCEL={os.environ.get('BENCH_VM_ACCEL', 'kvm')}"]
    if revision := os.environ.get("BENCH_REVISION"):
        lines.append(f"BENCH_REVISION={revision}")
    return "".join(f"{line}\n" for line in lines)


def arguments() -> str:
    """Arguments of bench run, one a line."""
    file = os.environ.get("BENCH_VM_ARGUMENTS")
    return Path(file).read_text() if file else ""


def put(path: str, text: str) -> None:
    """Writes a file in the guest."""
    machine.succeed(f"printf %s {shlex.quote(text)} > {shlex.quote(path)}")


def follow() -> int:
    """Prints the runner's lines until it ends; returns its exit code."""
    cursor = "/run/bench/cursor"
    while True:
        state = machine.get_unit_property(UNIT, "ActiveState")
        lines = machine.succeed(f"journalctl -u {UNIT} -o cat --no-pager --cursor-file={cursor}")
        if lines.strip() and "-- No entries --" not in lines:
            print(lines, end="", flush=True)
        if state in {"inactive", "failed"}:
            return int(machine.get_unit_property(UNIT, "ExecMainStatus"))
        time.sleep(5)


def copy_results() -> None:
    """Each run's folder to the output folder; names of runs are unique."""
    # The older name is deprecated, and may be gone.
    copy = getattr(machine, "copy_from_machine", None) or getattr(machine, "copy_from_vm")
    for path in machine.succeed(f"find {FACTS['results']} -mindepth 1 -maxdepth 1 -type d").split():
        copy(path)
        print(f"results: {PurePosixPath(path).name}", flush=True)


machine.start()
machine.wait_for_unit("multi-user.target")
machine.succeed(f"mkdir -p /run/bench {FACTS['results']}")
put("/run/bench/environment", variables())
put("/run/bench/arguments", arguments())
status = 1
try:
    machine.succeed(f"systemctl start {UNIT}")
    status = follow()
finally:
    copy_results()
    if file := os.environ.get("BENCH_VM_STATUS"):
        Path(file).write_text(f"{status}\n")
assert status in {0, 1}, f"bench run ended with {status}"
