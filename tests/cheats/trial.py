"""A lab.toml with the cheats in it, and runs of `bench` with it."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from registry import BAD, Cheat

ROOT = Path(__file__).resolve().parents[2]

# Two workers, so that a pool can be split wrongly. Short, and few users: what is proved here needs no load to speak of.
TABLES = """
[modes.cheats]
cpus = 1
workers = 2
db_connections = 12
postgres_cpus = 1
load_cpus = 1

[profiles.cheats]
title = "short and light"
executor = "constant-vus"
warmup_s = 1
measure_s = 2
vus = 16
think_time_ms = 20
mix = { user = 90, users = 10 }

[profiles.cheats-open]
title = "more arrivals than its one user can make"
executor = "constant-arrival-rate"
warmup_s = 1
measure_s = 2
rate = 2000
vus = 1
think_time_ms = 0
mix = { user = 90, users = 10 }
"""

# Fewer pages, so that each is asked for more than once.
SETTINGS = {
    "users": "1000",
    "ready_timeout_ms": "15000",
    "drain_timeout_ms": "5000",
    "cooldown_s": "0.1",
    "baseline": '"honest"',
}

# Whatever else this machine does must not decide about a service here.
NO_HOST = {
    "generator_cpu_share": "1.0",
    "host_steal_share": "1.0",
    "host_idle_share": "0.0",
    "foreign_cpu_share": "1.0",
    "clock_step_ms": "3600000",
    "stall_ms": "3600000",
    "memory_pressure": "1.0",
    "io_pressure": "1.0",
}


def write(path: Path, cheats: Iterable[Cheat], settings: dict[str, str]) -> Path:
    """Writes the lab's own lab.toml with other settings and the cheats as targets more."""
    text = (ROOT / "lab.toml").read_text()
    for key, value in settings.items():
        text, found = re.subn(rf"(?m)^{key} = [^#\n]*", f"{key} = {value} ", text)
        if found != 1:
            raise SystemExit(f"cheats: lab.toml has {found} lines `{key} = …`")
    lab = tomllib.loads(text)
    # Its folders are relative to it.
    text = re.sub(r'(?m)^dir = "(.*)"', lambda m: f"dir = {json.dumps(str(ROOT / m[1]))}", text)
    python = lab["targets"]["python"]
    port = max(target["port"] for target in lab["targets"].values())
    for number, cheat in enumerate(cheats, 1):
        text += f"""
[targets.{cheat.target}]
title = {json.dumps(cheat.target)}
dir = {json.dumps(str(ROOT / python["dir"]))}
command = {json.dumps([python["command"][0], str(BAD / f"{cheat.name}.py")])}
port = {port + number}
workers = "processes"
env = {{ {", ".join(f"{key} = {json.dumps(value)}" for key, value in python["env"].items())} }}
"""
    path.write_text(text + TABLES)
    tomllib.loads(path.read_text())
    return path


def bench(lab: Path, *arguments: str, inventory: Path | None = None) -> subprocess.Popen[str]:
    """Starts `bench` with a lab.toml."""
    where = ["--inventory", str(inventory)] if inventory else []
    command = ["bench", "--lab", str(lab), *where, *arguments]
    print(f"$ {' '.join(command)}", flush=True)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: "subprocess.Popen[str]", *, show: bool = True) -> tuple[int, str, str]:
    """Exit code, standard output (shown unless it is for programs) and standard error."""
    out, err = process.communicate()
    print(err, out if show else "", sep="\n", flush=True)
    return process.returncode, out, err


def run_options(out: Path, cheats: Iterable[Cheat], *options: str) -> list[str]:
    """The options of a run of one block."""
    chosen = [option for cheat in cheats for option in ("--target", cheat.target)]
    profile = [] if "--profile" in options else ["--profile", "cheats"]
    return ["run", "--mode", "cheats", *profile, *options, "--repetitions", "1", "--seed", "1", "--out", str(out), *chosen]


def repetitions(out: Path) -> dict[str, tuple[Path, dict[str, Any]]]:
    """The repetitions of the one run there, by target."""
    found = {}
    for path in out.glob("*/*/*/*/*/repetition.json"):
        repetition = json.loads(path.read_text())
        found[repetition["target"]] = (path.parent, repetition)
    return found
