"""A lab.toml and an inventory of a test's own, in a folder of their own."""

import json
import os
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BENCH = os.environ.get("BENCH", "bench")


def replaced(text: str, old: str, new: str) -> str:
    """The text with its only `old` replaced: a test must not go on with a file that it did not change."""
    assert text.count(old) == 1, f"lab.toml has {text.count(old)} times {old!r}"
    return text.replace(old, new)


class TestLab:
    """The lab's own lab.toml with changes; the profile `quick` is shorter."""

    __test__ = False

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "lab.toml"
        self.inventory_path = folder / "inventory.json"
        inventory = Path(os.environ.get("BENCH_INVENTORY", ROOT / ".lab" / "inventory.json"))
        self.inventory: dict[str, Any] = json.loads(inventory.read_text())
        text = (ROOT / "lab.toml").read_text()
        # `dir` is relative to lab.toml, and this one lies elsewhere.
        self.text = re.sub(r'^dir = "(.*)"', lambda found: f'dir = "{(ROOT / found[1]).resolve()}"', text, flags=re.M)
        self.change("warmup_s = 1\nmeasure_s = 4\n", "warmup_s = 1\nmeasure_s = 2\n")
        self.write()

    def change(self, old: str, new: str) -> None:
        """Replaces the only `old`; `write` makes it take effect."""
        self.text = replaced(self.text, old, new)

    def add(self, text: str) -> None:
        """Adds tables at the end."""
        self.text += text

    def write(self) -> "TestLab":
        """Writes both files."""
        self.path.write_text(self.text)
        self.inventory_path.write_text(json.dumps(self.inventory))
        return self

    def bench(self, *arguments: str) -> list[str]:
        """A command line of `bench` on this lab."""
        return [BENCH, "--lab", str(self.path), "--inventory", str(self.inventory_path), *arguments]
