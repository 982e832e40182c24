"""What a stranger has: a copy of lab.toml beside it, `bench` on PATH, and what it prints."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from labtest.programs import run

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


def bench(lab: Path, *arguments: str, codes: Sequence[int] = (0,)) -> str:
    """Runs `bench --lab LAB ARGUMENTS` and returns what it printed; the exit code must be one of these."""
    return run("bench", "--lab", lab.name, *arguments, cwd=ROOT, codes=codes).text
