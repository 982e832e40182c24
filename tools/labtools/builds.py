"""What is built from this tree: `bench` and `analyze`."""

from pathlib import Path

from .files import place
from .machine import require_rust
from .paths import BIN, ROOT, cargo_target
from .say import run, say, say_if_slow

# Program -> (crate, what the first build takes on two cores).
CRATES = {
    "bench": ("runner", "a minute or two the first time"),
    "analyze": ("analyzer", "some ten minutes the first time on a machine, seconds after that: it holds polars"),
}


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
