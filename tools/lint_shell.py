"""shellcheck over every shell program of the tree, found by its first line."""

import subprocess
import sys

from labtools.paths import ROOT

SHELLS = (b"#!/bin/sh", b"#!/usr/bin/env bash", b"#!/usr/bin/env sh", b"#!/bin/bash")


def shell_files() -> list[str]:
    """Paths relative to the root, as git knows them."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in names if name and _is_shell(name)]


def _is_shell(name: str) -> bool:
    path = ROOT / name
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.readline().strip().startswith(SHELLS)


def main() -> int:
    """shellcheck's own exit code."""
    files = shell_files()
    print(f"{len(files)} shell programs: {' '.join(files)}", flush=True)
    return subprocess.run(["shellcheck", *files], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
