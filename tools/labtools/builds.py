"""What is built from this tree: `bench`, `analyze` and, through `bench build`, the services."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from .files import place, write_whole
from .machine import require_rust
from .paths import BIN, LAB, ROOT, cargo_target
from .say import LabError, run, say, say_if_slow

# Program -> (crate, what the first build takes on two cores).
CRATES = {
    "bench": ("runner", "a minute or two the first time"),
    "analyze": ("analyzer", "some ten minutes the first time on a machine, seconds after that: it holds polars"),
}


def claim(target: Path, root: Path = ROOT) -> None:
    """Makes Cargo build this tree's own crates anew when another clone has used the shared build folder last.

    Cargo takes a crate of two clones for one, and tells by times whether a file has changed: what the other clone built
    after an edit here would pass as built from it. The crates of others stay: they are the same everywhere.
    """
    owner = target / "claimed-by"
    if owner.is_file() and owner.read_text(encoding="utf-8") == str(root):
        return
    members = tomllib.loads((root / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["members"]
    for fingerprint in target.glob("*/.fingerprint/*"):
        if fingerprint.name.rpartition("-")[0] in members:
            shutil.rmtree(fingerprint, ignore_errors=True)
    target.mkdir(parents=True, exist_ok=True)
    write_whole(owner, str(root))


def build_crate(program: str, env: dict[str, str]) -> None:
    """Builds `bench` or `analyze` and puts it into .lab/bin, which no other clone's build can touch."""
    require_rust(env["PATH"])
    crate, takes = CRATES[program]
    target = BIN / program
    command = ["cargo", "build", "--release", "--locked", "-p", crate]
    failed = f"cannot build {program}"
    if target.exists():
        with say_if_slow(f"building {program}, or waiting for another build on this machine"):
            run([*command, "--quiet"], failed, env=env, cwd=ROOT)
    else:
        say(f"building {program} ({takes})")
        run(command, failed, env=env, cwd=ROOT)
    place(cargo_target() / "release" / program, target)


def build_targets(names: list[str], env: dict[str, str]) -> None:
    """Builds services as lab.toml says; all of them when none is named. Their own tools skip what is done."""
    command = [str(BIN / "bench"), "build", *names]
    what = f"the services {' and '.join(names)}" if names else "all services"
    built = LAB / "built" / "-".join(names or ["all"])
    if not built.exists():
        say(f"building {what} (a few minutes the first time)")
        run(command, f"cannot build {what}", env=env, cwd=ROOT)
        write_whole(built, "")
        return
    with say_if_slow(f"building {what}, or waiting for another build on this machine", after_s=3):
        done = subprocess.run(command, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        raise LabError(f"cannot build {what} (the reason is above).")
