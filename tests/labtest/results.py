"""Stored runs, seen from outside."""

import json
from pathlib import Path
from typing import Any

from .programs import expect

HOST_CAUSES = frozenset(
    {"host_idle", "foreign_cpu", "host_steal", "clock_step", "generator_cpu", "stall", "memory_pressure", "io_pressure"}
)
"""Reasons that speak of a disturbed host: the repetition is invalid, rightly, and nothing is said of lab or service."""


def runs(results: Path) -> list[Path]:
    """Folders of runs, oldest first."""
    return sorted(folder for folder in results.glob("*") if (folder / "manifest.json").is_file())


def only_run(results: Path) -> Path:
    """The folder of the one run there; anything else ends the test."""
    found = runs(results)
    expect(len(found) == 1, f"{results} holds {len(found)} runs instead of one: {[f.name for f in results.iterdir()]}")
    return found[0]


def stored(run: Path) -> dict[str, str]:
    """Stored repetitions: path inside the run, and the text of repetition.json."""
    return {str(path.relative_to(run)): path.read_text() for path in run.glob("*/*/*/*/repetition.json")}


def repetitions(run: Path) -> list[dict[str, Any]]:
    """Stored repetitions in the order in which they ran."""
    found: list[dict[str, Any]] = [json.loads(text) for text in stored(run).values()]
    return sorted(found, key=lambda r: (r["block"], r["slot"]))
