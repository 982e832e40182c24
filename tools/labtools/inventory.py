"""`.lab/inventory.json`: where the programs are and which versions; the one thing `bench` knows about its surroundings."""

import json
import re
import subprocess
from pathlib import Path

from .files import write_whole
from .paths import LAB, ROOT, cargo_target
from .say import LabError

PATH = LAB / "inventory.json"
SCHEMA_VERSION = 1
ASK = {"k6": ["version"]}


def write(programs: dict[str, Path], env: dict[str, str]) -> Path:
    """Writes the inventory unless it already says the same.

    A program's folder is named by a hash of what is in it, so a known path is a known version.
    What an earlier start set up and this one does not need stays: a run may be reading it now.
    """
    known = _read()
    entries = {name: entry for name, entry in known.get("programs", {}).items() if Path(entry.get("path", "")).is_file()}
    for name, path in programs.items():
        entry = entries.get(name, {})
        if entry.get("path") != str(path) or not entry.get("version"):
            entries[name] = {"path": str(path), "version": ask_version(name, path, env)}
    inventory = {
        "schema_version": SCHEMA_VERSION,
        "kind": "lab",
        "root": str(ROOT),
        "programs": dict(sorted(entries.items())),
        "cargo_target": str(cargo_target()),
    }
    if inventory != known:
        write_whole(PATH, json.dumps(inventory, indent=2) + "\n")
    return PATH


def _read() -> dict[str, dict[str, dict[str, str]]]:
    try:
        known = json.loads(PATH.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def ask_version(name: str, path: Path, env: dict[str, str]) -> str:
    """The version number that the program itself tells."""
    command = [str(path), *ASK.get(name, ["--version"])]
    try:
        answer = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"{path} does not run: {error}.") from error
    found = re.search(r"\d+(?:\.\d+)+\S*", answer.stdout)
    if answer.returncode != 0 or not found:
        raise LabError(f"{' '.join(command)} does not tell a version; it said: {(answer.stdout + answer.stderr).strip()[:200]}")
    return found[0]
