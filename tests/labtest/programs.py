"""Runs programs, shows them, and ends the test with a reason when something does not hold."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SKIPPED = 77
"""A test that ends with this code is skipped; its last line says why (tools/labtools/stage.py)."""


@dataclass(frozen=True)
class Done:
    """A program that has ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Both outputs."""
        return self.out + self.err


def expect(holds: bool, otherwise: str) -> None:
    """Ends the test with the reason when it does not hold."""
    if not holds:
        sys.exit(f"{Path(sys.argv[0]).parent.name}: {otherwise}")


def run(*command: str, codes: Sequence[int] = (0,), env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Done:
    """Runs a program to its end and shows it; any exit code but `codes` ends the test."""
    print(f"$ {' '.join(command)}", flush=True)
    ended = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", env=env, cwd=cwd, check=False
    )
    done = Done(ended.returncode, ended.stdout, ended.stderr)
    print(done.err, flush=True)
    print(done.out, flush=True)
    expect(done.code in codes, f"`{' '.join(command)}` ended with {done.code}, expected one of {list(codes)}")
    return done
