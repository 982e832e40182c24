"""What is built from this tree: k6 with our extension, `bench` and `analyze`. Each step is skipped when it is done."""

import hashlib
import platform
from pathlib import Path

from .files import locked, place, whole_folder
from .golang import version
from .machine import require_rust
from .paths import BIN, ROOT, cache_dir, cargo_target
from .say import run, say, say_if_slow

# Program -> (crate, what the first build takes on two cores).
CRATES = {
    "bench": ("runner", "a minute or two the first time"),
    "analyze": ("analyzer", "some ten minutes the first time on a machine, seconds after that: it holds polars"),
}
K6_SOURCE = ROOT / "loadtest" / "k6"


def k6_folder(go: Path, env: dict[str, str]) -> Path:
    """Where k6 built from these sources by this Go stands."""
    digest = hashlib.sha256(f"{version(str(go / 'go'), env)} {platform.machine()}".encode())
    sources = [path for path in K6_SOURCE.rglob("*") if path.suffix == ".go" or path.name in ("go.mod", "go.sum")]
    for path in sorted(sources):
        if not path.name.endswith("_test.go"):
            digest.update(f"{path.relative_to(K6_SOURCE)}\0".encode() + path.read_bytes())
    return cache_dir() / "k6" / digest.hexdigest()[:16]


def build_k6(go: Path, env: dict[str, str]) -> Path:
    """The folder with `k6`. Built once for all clones with the same sources."""
    final = k6_folder(go, env)
    if final.is_dir():
        return final
    with locked(final.parent / "lock", "k6"):
        if not final.is_dir():
            say("building k6 with the recording extension (two or three minutes the first time)")
            with whole_folder(final) as partial:
                command = ["go", "build", "-trimpath", "-buildvcs=false", "-o", str(partial / "k6"), "."]
                run(command, "cannot build k6", env=env, cwd=K6_SOURCE)
    return final


def build_crate(program: str, env: dict[str, str]) -> Path:
    """Builds `bench` or `analyze` and puts it into .lab/bin, which no other clone's build can touch."""
    require_rust(env["PATH"])
    crate, takes = CRATES[program]
    target = BIN / program
    command = ["cargo", "build", "--release", "--locked", "-p", crate]
    failed = f"cannot build {program}"
    if target.exists():
        with say_if_slow(f"building {program}"):
            run([*command, "--quiet"], failed, env=env, cwd=ROOT)
    else:
        say(f"building {program} ({takes})")
        run(command, failed, env=env, cwd=ROOT)
    place(cargo_target() / "release" / program, target)
    return BIN
