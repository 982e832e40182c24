"""The speed benchmark: `run.py FOLDER [--rounds 10]`, after `prepare.py FOLDER`.

Every round runs every program once, in random order, after one round that is thrown away (warm cache). The ratio of a
pair is the Hodges-Lehmann estimate of the paired log ratios with its exact signed-rank interval, as in docs/METHODOLOGY.md.
Times are of whole processes, from start to end; the seconds that the Python programs spend without starting and importing
stand beside them.
"""

import argparse
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import time
from pathlib import Path
from typing import IO

HERE = Path(__file__).resolve().parent
K_OF_R = {7: 2, 8: 3, 9: 5, 10: 8, 12: 13, 15: 25, 20: 52}
"""Ranks to cut at each end for 95%: largest k with 2 P(W <= k) <= 5%."""


def once(command: list[str]) -> tuple[float, float, float | None]:
    """Seconds of the process, its peak memory in MiB, and the seconds that it says itself."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout
    shown = process.stdout.read() if "percentiles_" in " ".join(command) else drain(process.stdout)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        raise SystemExit(f"{command} ended with {status}")
    words = shown.split()
    own = float(words[1]) if len(words) == 2 else None
    return seconds, usage.ru_maxrss / 1024, own


def drain(pipe: IO[bytes]) -> bytes:
    """Reads and forgets."""
    while pipe.read(1 << 20):
        pass
    return b""


def ratio(a: list[float], b: list[float]) -> tuple[float, float, float]:
    """Typical ratio a/b with its 95% interval."""
    d = [math.log(x / y) for x, y in zip(a, b, strict=True)]
    walsh = sorted((d[i] + d[j]) / 2 for i in range(len(d)) for j in range(i, len(d)))
    k = K_OF_R[len(d)]
    return tuple(math.exp(v) for v in (statistics.median(walsh), walsh[k], walsh[-1 - k]))


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=10, choices=sorted(K_OF_R))
    parser.add_argument("--only", choices=["percentiles", "import"])
    parser.add_argument("--analyze", default=os.environ.get("ANALYZE") or shutil.which("analyze") or "target/release/analyze")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    python = str(folder / "venv/bin/python")
    run, packed = str(folder / "run"), str(folder / "go-1.csv.gz")
    full = [arguments.analyze, run, "--format", "json"]
    programs = {"analyze, full verdict": full}
    for name in ("duckdb", "polars", "pandas"):
        programs[f"{name}, percentiles only"] = [python, str(HERE / f"percentiles_{name}.py"), run]
    imports = {"analyze import": [arguments.analyze, "import", packed, "--format", "json"], "gunzip -c": ["gunzip", "-c", packed]}
    suites = {"percentiles": (programs, "analyze, full verdict"), "import": (imports, "analyze import")}
    for suite, (commands, ours) in suites.items():
        if arguments.only in (None, suite):
            report(suite, commands, ours, arguments.rounds)


def report(suite: str, commands: dict[str, list[str]], ours: str, rounds: int) -> None:
    """One table."""
    seen: dict[str, list[tuple[float, float, float | None]]] = {name: [] for name in commands}
    rng = random.Random(1)
    for number in range(rounds + 1):
        for name in rng.sample(sorted(commands), len(commands)):
            result = once(commands[name])
            if number:
                seen[name].append(result)
    print(f"\n{suite}, {rounds} rounds")
    print(f"{'program':<28}{'seconds':>10}{'own':>8}{'MiB':>8}   time against {ours}")
    base = [r[0] for r in seen[ours]]
    out = {}
    for name, results in seen.items():
        times = [r[0] for r in results]
        own = [r[2] for r in results if r[2] is not None]
        against = ratio(times, base) if name != ours else (1.0, 1.0, 1.0)
        text = f"{against[0]:.2f}x (95% CI {against[1]:.2f} to {against[2]:.2f})" if name != ours else ""
        if own:
            a = ratio(own, base)
            text += f"; without start and imports {a[0]:.2f}x ({a[1]:.2f} to {a[2]:.2f})"
        inside = f"{statistics.median(own):.2f}" if own else "-"
        print(f"{name:<28}{statistics.median(times):>10.3f}{inside:>8}{max(r[1] for r in results):>8.0f}   {text}")
        out[name] = {"seconds": times, "own": own, "peak_mib": max(r[1] for r in results), "ratio": against}
    print(json.dumps({suite: out}))


if __name__ == "__main__":
    main()
