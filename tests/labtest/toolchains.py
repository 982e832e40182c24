"""Go and Rust of this machine, with what they have fetched: for builds that are shut off from everything else."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Toolchain(NamedTuple):
    """Folder with bin/, and the folder of fetched modules or crates."""

    root: str
    fetched: str


def said(*words: str) -> list[str]:
    """What a program prints at the root of the tree, in words."""
    return subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()


def go() -> Toolchain:
    """Go, after fetching what go-api needs."""
    said("go", "-C", "go-api", "mod", "download")
    return Toolchain(*said("go", "-C", "go-api", "env", "GOROOT", "GOMODCACHE"))


def rust() -> Toolchain:
    """Rust, after fetching what Cargo.lock names."""
    said("cargo", "fetch", "--locked")
    home = os.environ.get("CARGO_HOME") or Path.home() / ".cargo"
    return Toolchain(*said("rustc", "--print", "sysroot"), f"{home}/registry")
