"""A quick run from end to end: measured, stored, validated, analysed; and a damaged copy is refused.

Needs `bench` and `analyze` on PATH, as ./lab sets them up. Ends with 0 when all holds.
"""

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from labtest.programs import expect, run
from labtest.results import HOST_CAUSES, only_run

VERDICTS = {"different", "equivalent", "cannot_tell", "no_verdict"}
TARGETS = {"go", "python", "rust-sqlx", "rust-tokio-postgres"}
BLOCKS = 3


def check_stored(folder: Path) -> dict[str, int]:
    """Every block has every target, with figures, samples and receipt; returns the valid repetitions by target."""
    valid = dict.fromkeys(TARGETS, 0)
    manifest = json.loads((folder / "manifest.json").read_text())
    expect(manifest["schema_version"] == 1, "manifest.json has another schema version")
    expect(set(manifest["targets"]) == TARGETS, f"targets are {manifest['targets']}")
    order = manifest["order"]
    expect(len(order) == BLOCKS and all(set(block) == TARGETS for block in order), f"incomplete blocks: {order}")
    repetitions = sorted(folder.glob("*/*/*/*/repetition.json"))
    expect(len(repetitions) == BLOCKS * len(TARGETS), f"{len(repetitions)} repetitions are stored")
    for path in repetitions:
        repetition = json.loads(path.read_text())
        causes = {reason["code"] for reason in repetition["reasons"]}
        expect(causes <= HOST_CAUSES, f"{path.parent} is invalid: {repetition['reasons']}")
        expect(repetition["valid"] is not bool(causes), f"{path.parent}: valid and reasons contradict each other")
        expect(repetition["requests"] > 0, f"{path.parent} has no requests")
        valid[repetition["target"]] += repetition["valid"]
        if causes:
            print(f"disturbed host: {path.parent.parent.name}, block {path.parent.name}: {sorted(causes)}")
        expect(len(repetition["receipt"]) > 0, f"{path.parent} has no receipt")
        for name in ("samples.parquet", "service.log", "k6.log"):
            expect((path.parent / name).is_file(), f"{path.parent} has no {name}")
    return valid


def check_report(report: dict[str, Any], valid: dict[str, int]) -> list[str]:
    """The public JSON of `analyze`; returns the sentences of the primary metric."""
    expect(report["schema_version"] == 1, "the report has another schema version")
    primary = [metric for metric in report["metrics"] if metric["role"] == "primary"]
    expect([metric["metric"] for metric in primary] == ["p99"], f"primary metrics: {[m['metric'] for m in primary]}")
    (p99,) = primary
    expect({target["target"] for target in p99["targets"]} == TARGETS, "p99 lacks a target")
    for target in p99["targets"]:
        counted = valid[target["target"]]
        expect(target["repetitions"] == counted, f"{target['target']} counts {target['repetitions']} of {counted} repetitions")
        if counted == 0:
            continue
        expect(0 < target["estimate"] < 10_000, f"p99 of {target['target']} is {target['estimate']} ms")
    expect(len(p99["comparisons"]) == len(TARGETS) - 1, "each target but the baseline is compared with it")
    for comparison in p99["comparisons"]:
        expect(comparison["verdict"] in VERDICTS, f"unknown verdict {comparison['verdict']}")
        expect(bool(comparison["text"].strip()), "a verdict without words")
    # With nothing to judge, `bench` says so once.
    return [comparison["text"] for comparison in p99["comparisons"]] if any(valid.values()) else []


def words(text: str) -> str:
    """Text without its line breaks and indentation."""
    return re.sub(r"[\s*]+", " ", text)


def damage(file: Path) -> None:
    """Changes one byte in the middle."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def main() -> None:
    """The whole test."""
    with tempfile.TemporaryDirectory(prefix="bench-end-to-end-") as name:
        results = Path(name, "results")
        terminal = run("bench", "run", "--mode", "single", "--quick", "--out", str(results), codes=(0, 1)).out
        receipt, verdict = terminal.lower().find("receipt"), terminal.lower().find("verdict")
        expect(0 <= receipt < verdict, "the receipt does not stand before the verdict")

        stored = only_run(results)
        valid = check_stored(stored)
        run("bench", "validate", str(stored))

        report = json.loads(run("analyze", str(results), "--format", "json", codes=(0, 3)).out)
        for sentence in check_report(report, valid):
            expect(words(sentence) in words(terminal), f"`bench` and `analyze` differ: {sentence!r} is not among the words of the run")

        damaged = Path(name, "damaged")
        shutil.copytree(stored, damaged / stored.name)
        damage(next((damaged / stored.name).glob("*/*/*/*/samples.parquet")))
        run("bench", "validate", str(damaged / stored.name), codes=(1, 2))
    print("end-to-end: all holds")


if __name__ == "__main__":
    main()
