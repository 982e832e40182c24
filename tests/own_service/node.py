"""examples/node-api as a fifth target, by the steps of docs/ADD-A-SERVICE.md: built, kept to the contract, ranked.

Ends with 77 where there is no Node.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from labtest.programs import SKIPPED, expect
from labtest.results import HOST_CAUSES
from stranger import bench, copy_of_lab

OLDEST_NODE = 20
BLOCKS = 3


def no_node() -> str | None:
    """Why this machine cannot run it."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "node or npm is not on PATH: the example needs Node.js 20 or newer"
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    found = re.match(r"v(\d+)\.", said)
    if not found or int(found[1]) < OLDEST_NODE:
        return f"node is {said}: the example needs {OLDEST_NODE} or newer"
    return None


def check_repetition(path: Path) -> bool:
    """The promises were kept; returns whether the repetition counts."""
    repetition: dict[str, Any] = json.loads(path.read_text())
    broken = [reason for reason in repetition["reasons"] if reason["code"] not in HOST_CAUSES]
    expect(not broken, f"{path.parent}: {broken}")
    expect(repetition["requests"] > 0, f"{path.parent} has no requests")
    return bool(repetition["valid"])


def main() -> int:
    if reason := no_node():
        print(reason)
        return SKIPPED
    with copy_of_lab("node") as lab, tempfile.TemporaryDirectory(prefix="bench-own-service-") as results:
        bench(
            lab, "new-target", "node", "--title", "Node (node:http + pg)", "--dir", "examples/node-api",
            "--build", "npm ci", "--command", "node server.js", "--workers", "processes",
        )  # fmt: skip
        bench(lab, "build", "node")
        bench(lab, "contract", "node", "--behaviour", "--slack", "15")
        # Two workers, each a process with half of the pool.
        text = lab.read_text()
        lab.write_text(text.replace("[modes.multi]\ncpus = 4\nworkers = 4", "[modes.two]\ncpus = 1\nworkers = 2"))
        bench(lab, "contract", "node", "--mode", "two")
        lab.write_text(text)

        run = ("run", "--mode", "single", "--quick", "--measure", "2", "-t", "node", "-t", "go", "--out", results)
        said = bench(lab, *run, codes=(0, 1))
        paths = sorted(Path(results).glob("*/*/*/*/*/repetition.json"))
        expect(len(paths) == BLOCKS * 2, f"{len(paths)} repetitions are stored")
        valid = [check_repetition(path) for path in paths]
        if all(valid):
            expect(bool(re.search(r"\bnode\b.* p99", said.split("Verdict")[-1])), "no verdict names node")
        else:
            print("a disturbed host: not every repetition counts, so no verdict is asked for")
    print(f"own service: Node keeps the contract and every promise; {sum(valid)} of {len(valid)} repetitions count")
    return 0


if __name__ == "__main__":
    sys.exit(main())
