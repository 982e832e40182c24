"""Measuring in containers: randomised blocks, k6's own CSV of every request, and what the cgroups tell.

Less than `bench run` sees, and marked so: `analyze import` judges the files, and they are never mixed with the runner's.
"""

import json
import random
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from . import cgroup
from .files import write_whole
from .images import Image
from .lab_toml import Lab, Target
from .say import LabError

K6 = "bench-k6"
POSTGRES = "bench-postgres"
SUMMARY = "/tmp/summary.json"
NAME_TRIES = 50
K6_LIMIT_S = 60
"""Longer than its load plus this, k6 hangs."""
NOT_LOOKED_AT = ["connections", "SQL", "rows", "response lengths", "steal, idle and others' CPU of the host", "clock"]


@dataclass(frozen=True)
class Plan:
    """What will be measured."""

    lab: Lab
    mode: str
    profile: dict[str, Any]
    blocks: int
    seed: int
    targets: list[tuple[Target, Image]]

    def order(self, block: int) -> list[tuple[Target, Image]]:
        """Each target once, in an order that follows from the seed."""
        return random.Random(f"{self.seed} {block}").sample(self.targets, len(self.targets))

    def quotas(self) -> dict[str, int]:
        """Promised CPUs by group."""
        m = self.lab.modes[self.mode]
        return {"service": m["cpus"], "postgres": m["postgres_cpus"], "k6": m["load_cpus"]}


class Services(Protocol):
    """Who starts and stops them."""

    def start(self, name: str) -> None:
        """Starts a target beside a Postgres that runs, and waits until it is ready."""

    def stop(self, name: str) -> None:
        """Stops a target."""


class Bench:
    """One series of repetitions, into `folder`. `engine` is docker or podman; `summaries`, if any, gets k6's summaries too."""

    def __init__(self, plan: Plan, engine: list[str], folder: Path, summaries: Path | None, services: Services) -> None:
        self.plan = plan
        self.engine = engine
        self.folder = folder
        self.summaries = summaries
        self.services = services

    def usage(self, container: str) -> cgroup.Usage | None:
        """The counters of a container."""
        ask = [*self.engine, "inspect", "--format", "{{.State.Pid}}", container]
        pid = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
        return cgroup.read(int(pid)) if pid.isdigit() and pid != "0" else None

    def usages(self, image: Image) -> dict[str, cgroup.Usage | None]:
        """By group."""
        return {"service": self.usage(f"bench-{image.service}"), "postgres": self.usage(POSTGRES), "k6": self.usage(K6)}

    def reachable(self, target: Target, image: Image) -> bool:
        """Can k6's container reach the service by name? Podman's name server may lag behind a start by a moment."""
        ask = [*self.engine, "exec", K6, "wget", "-q", "-O", "/dev/null", f"http://{image.service}:{target.port}/readyz"]
        for _ in range(NAME_TRIES):
            if subprocess.run(ask, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0:
                return True
            time.sleep(0.2)
        return False

    def load(self, target: Target, image: Image, block: int, rows: Path) -> int:
        """k6 in its container, against the service by name; its exit code."""
        values = {
            "BENCH_BASE_URL": f"http://{image.service}:{target.port}",
            "BENCH_PROFILE": json.dumps(self.plan.profile),
            # The same requests for every target of a block.
            "BENCH_SEED": str(self.plan.seed + block),
            "BENCH_SUMMARY": SUMMARY,
            "K6_CSV_TIME_FORMAT": "unix_micro",
        }
        variables = [word for name, value in values.items() for word in ("-e", f"{name}={value}")]
        command = ["k6", "run", "--quiet", "--no-usage-report", "--no-color", "--out", "csv=-", "/lab/scripts/main.js"]
        seconds = self.plan.profile["warmup_s"] + self.plan.profile["measure_s"] + K6_LIMIT_S
        with rows.open("wb") as out, log_of(rows).open("wb") as log:
            done = subprocess.run(
                [*self.engine, "exec", *variables, K6, *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                timeout=seconds,
                check=False,
            )
        return done.returncode

    def summary(self) -> dict[str, Any] | None:
        """What the load script wrote."""
        done = subprocess.run([*self.engine, "exec", K6, "cat", SUMMARY], capture_output=True, text=True, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def repetition(self, target: Target, image: Image, block: int) -> list[str]:
        """Measures and stores one; the reasons why it does not count."""
        name = f"{image.service}-{block}"
        rows = self.folder / f"{name}.csv.partial"
        self.services.start(target.name)
        try:
            if not self.reachable(target, image):
                raise LabError(f"{K6} does not reach {image.service} by its name: is the network of compose without a name server?")
            before, since = self.usages(image), time.monotonic()
            code = self.load(target, image, block, rows)
            after, wall_s = self.usages(image), time.monotonic() - since
            summary = self.summary() if code == 0 else None
        finally:
            self.services.stop(target.name)
        reasons = [f"k6 ended with {code}: {last_line(log_of(rows))}"] if code else []
        reasons += judge(self.plan, before, after, wall_s, summary)
        evidence = {
            "environment": "container",
            "target": target.name,
            "block": block,
            "mode": self.plan.mode,
            "profile": self.plan.profile,
            "seed": self.plan.seed,
            "wall_s": wall_s,
            "before": {group: asdict(u) if u else None for group, u in before.items()},
            "after": {group: asdict(u) if u else None for group, u in after.items()},
            "summary": summary,
            "not_looked_at": NOT_LOOKED_AT,
            "reasons": reasons,
        }
        write_whole(self.folder / f"{name}.json", json.dumps(evidence, indent=2) + "\n")
        if self.summaries and summary:
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            write_whole(self.summaries / f"{target.name}-{stamp}.json", json.dumps(summary, indent=2) + "\n")
        # What does not count is kept, under a name that no one takes for a result.
        rows.rename(self.folder / (f"{name}.invalid" if reasons else f"{name}.csv"))
        return reasons

    def run(self, tell: Callable[[str], None]) -> int:
        """All blocks; the number of repetitions that do not count."""
        bad = 0
        for block in range(1, self.plan.blocks + 1):
            for target, image in self.plan.order(block):
                reasons = self.repetition(target, image, block)
                bad += bool(reasons)
                tell(f"block {block}/{self.plan.blocks}  {image.service:<25}{'INVALID: ' + '; '.join(reasons) if reasons else 'counts'}")
        return bad


def log_of(rows: Path) -> Path:
    """Where k6's own messages go."""
    return rows.with_name(rows.name.replace(".csv.partial", ".k6.log"))


def last_line(log: Path) -> str:
    """The end of a log, for a reason."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "it said nothing")


def judge(
    plan: Plan,
    before: dict[str, cgroup.Usage | None],
    after: dict[str, cgroup.Usage | None],
    wall_s: float,
    summary: dict[str, Any] | None,
) -> list[str]:
    """The promises that can be looked at here, and were broken. What cannot be seen is a reason too: it is no pass."""
    reasons = []
    for group, promised in plan.quotas().items():
        first, last = before[group], after[group]
        if first is None or last is None:
            reasons.append(f"{group}: its cgroup cannot be seen from here")
            continue
        if last.quota_cpus is None or abs(last.quota_cpus - promised) > 0.001:
            reasons.append(f"{group}: promised a quota of {promised} CPU, in force is {last.quota_cpus}")
        if group == "k6" and (last.cpu_s - first.cpu_s) / wall_s > plan.lab.receipt["generator_cpu_share"] * promised:
            reasons.append("k6 was saturated: its limit was measured, not the service's")
    if summary is None:
        return [*reasons, "no summary of k6"]
    measure = summary["measure"]
    if measure["http_req_failed"] + measure["failed_checks"] > plan.lab.receipt["error_rate"] * measure["http_reqs"]:
        reasons.append(f"{measure['http_req_failed']} failed and {measure['failed_checks']} wrong of {measure['http_reqs']} answers")
    if measure["dropped_iterations"] > plan.lab.receipt["dropped_iterations"]:
        reasons.append(f"{measure['dropped_iterations']} arrivals that k6 could not start")
    return reasons
