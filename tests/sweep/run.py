"""A tiny sweep and a tiny search for the capacity on the Go service: run, stored, validated, analysed.

Needs `bench` and `analyze` on PATH, as ./lab sets them up. Ends with 0 when all holds.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from labtest.programs import expect, run

VALUES = [5, 10]
BLOCKS = 2
# A host that was disturbed makes a repetition invalid, rightly; it says nothing of the lab, so it is told and allowed.
HOST_CAUSES = {"host_idle", "foreign_cpu", "host_steal", "clock_step", "generator_cpu", "capacity"}


def words(text: str) -> str:
    """An error message without its line breaks and frame."""
    return " ".join(text.replace("│", " ").split())


def only_host_causes(folder: Path) -> int:
    """No repetition is invalid for another reason than a disturbed host; returns how many there are."""
    stored = sorted(folder.glob("**/repetition.json"))
    for path in stored:
        repetition = json.loads(path.read_text())
        causes = {reason["code"] for reason in repetition["reasons"]}
        expect(causes <= HOST_CAUSES, f"{path.parent} is invalid: {repetition['reasons']}")
        if causes:
            print(f"disturbed host: {path.parent}: {sorted(causes)}")
    return len(stored)


def refusals() -> None:
    """Values that cannot be are refused before anything starts, in the words of lab.toml's own check."""
    sweep = ("bench", "sweep", "--list")
    said = words(run(*sweep, "--mode", "multi", "--db-connections", "40,42", codes=(2,)).err)
    expect("mode multi: 42 db_connections do not divide by 4 processes" in said, f"another refusal: {said}")
    said = words(run(*sweep, "--mode", "single", "--db-connections", "10,91", codes=(2,)).err)
    expect("91 connections and 10 for the lab itself do not fit max_connections = 100" in said, f"another refusal: {said}")
    run(*sweep, "--mode", "single", "--db-connections", "5,10", "--vus", "8,16", codes=(2,))
    run(*sweep, "--mode", "single", "--profile", "open", "--vus", "8,16", codes=(2,))


def check_sweep(results: Path) -> None:
    """Every value has its own complete run; the report keeps them apart."""
    values = ",".join(map(str, VALUES))
    load = ("--profile", "quick", "--measure", "2", "--repetitions", str(BLOCKS))
    out = run("bench", "sweep", "--mode", "single", "-t", "go", "--db-connections", values, *load, "--out", str(results), codes=(0, 1)).out
    expect("Where does the ranking flip?" in out, "the sweep ends without its table")
    (folder,) = [path.parent for path in results.glob("*/sweep.json")]
    plan = json.loads((folder / "sweep.json").read_text())
    for block in plan["order"]:
        expect(sorted(cell["value"] for cell in block) == VALUES, f"a block is not complete: {block}")
    expect(only_host_causes(folder) == BLOCKS * len(VALUES), "repetitions are missing")
    run("bench", "validate", str(folder))
    run("bench", "resume", str(folder), codes=(0, 1))
    expect(only_host_causes(folder) == BLOCKS * len(VALUES), "going on with a complete sweep ran something")
    report: dict[str, Any] = json.loads(run("analyze", str(results), "--format", "json").out)
    expect([one["value"] for one in report["values"]] == VALUES, f"the report has other values: {report['values']}")
    for one in report["values"]:
        seen = {repetition["block"] for repetition in one["document"]["repetitions"]}
        expect(len(one["document"]["repetitions"]) == BLOCKS == len(seen), "a value has repetitions of another one")
        manifest = json.loads((folder / f"db_connections-{one['value']:04}" / "manifest.json").read_text())
        expect(manifest["budgets"]["go"]["db_connections"] == one["value"], "a run has another budget than its value")
    run("analyze", "verify", str(folder))
    run("analyze", str(folder), "--format", "html", "--out", str(results / "sweep.html"))


def check_capacity(results: Path) -> None:
    """The steps are attributed, the capacity follows from them, and `bench` and `analyze` say the same."""
    load = ("--profile", "capacity", "--measure", "12", "--repetitions", "1")
    run("bench", "run", "--mode", "single", "-t", "go", *load, "--out", str(results), codes=(0, 1))
    (folder,) = [path.parent for path in results.glob("*/manifest.json")]
    expect(only_host_causes(folder) == 1, "a repetition is missing")
    run("bench", "validate", str(folder))
    (path,) = folder.glob("**/repetition.json")
    repetition = json.loads(path.read_text())
    steps = repetition["steps"]
    expect(len(steps) == 12, f"{len(steps)} steps")
    expect(sum(step["requests"] for step in steps) == repetition["requests"], "requests are missing from the steps")
    first = steps[0]
    expect(abs(first["requests"] - first["planned"]) <= 0.05 * first["planned"], f"the first step is not its schedule: {first}")
    report = json.loads(run("analyze", str(folder), "--format", "json").out)
    (capacity,) = [metric for metric in report["metrics"] if metric["metric"] == "capacity"]
    expect(capacity["role"] == "primary", "capacity is not the question of this profile")
    if repetition["valid"]:
        met = [step["rate"] for step in steps if not step["broke"]]
        estimate = capacity["targets"][0]["estimate"]
        expect(abs(estimate - max(met, default=first["rate"])) < 1e-6, f"capacity {estimate}, steps that were met: {met}")
    expect(len(report["steps"]) == len(steps), "the report lacks steps")
    run("analyze", str(folder), "--format", "html", "--out", str(results / "capacity.html"))
    page = (results / "capacity.html").read_text()
    expect('id="rates"' in page or not repetition["valid"], "the report has no plot of latency against rate")


def main() -> None:
    """The whole test."""
    refusals()
    with tempfile.TemporaryDirectory(prefix="bench-sweep-") as name:
        check_sweep(Path(name, "sweep"))
        check_capacity(Path(name, "capacity"))
    print("sweep: all holds")


if __name__ == "__main__":
    main()
