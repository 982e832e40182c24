"""What a stranger has: a copy of lab.toml beside it, `bench` on PATH, and what it prints."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def copy_of_lab(name: str) -> Iterator[Path]:
    """lab.NAME.toml in the root, because folders of targets are relative to the file; removed at the end."""
    lab = ROOT / f"lab.{name}.toml"
    lab.write_text((ROOT / "lab.toml").read_text())
    try:
        yield lab
    finally:
        lab.unlink()


def bench(lab: Path, *arguments: str, code: int = 0, codes: tuple[int, ...] = ()) -> str:
    """Runs `bench --lab LAB ARGUMENTS`, shows it, and returns what it printed; the exit code must be as expected."""
    command = ["bench", "--lab", lab.name, *arguments]
    print(f"$ {' '.join(command)}", flush=True)
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    print(done.stdout, flush=True)
    expected = codes or (code,)
    expect(done.returncode in expected, f"bench {arguments[0]} ended with {done.returncode}, expected one of {expected}")
    return done.stdout


def expect(holds: bool, otherwise: str) -> None:
    """Ends the test with the reason when it does not hold."""
    if not holds:
        sys.exit(f"own service: {otherwise}")
