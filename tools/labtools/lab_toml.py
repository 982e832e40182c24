"""lab.toml for the generated files of the container path: budgets and placeholders, derived as lab-model derives them."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .paths import ROOT
from .say import LabError

BUDGETS = frozenset({"cpus", "workers", "pool_size"})
"""Placeholders that depend on the mode."""


@dataclass(frozen=True)
class Budget:
    """What one target gets in one mode."""

    cpus: int
    workers: int
    pool_size: int
    """Connections of one process: never rounded, or two services would get different totals."""


@dataclass(frozen=True)
class Target:
    """One service of lab.toml."""

    name: str
    title: str
    port: int
    arguments: list[str]
    """The command without its program."""
    env: dict[str, str]
    """With placeholders."""
    processes: bool
    """Is every worker a process with a pool of its own?"""

    def variables(self, *, of_mode: bool) -> dict[str, str]:
        """Variables that carry the mode's budget, or the others."""
        return {name: text for name, text in self.env.items() if bool(BUDGETS & set(placeholders(text))) == of_mode}


class Lab:
    """lab.toml."""

    def __init__(self, path: Path = ROOT / "lab.toml") -> None:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        self.postgres = data["postgres"]
        self.modes: dict[str, dict[str, int]] = data["modes"]
        self.generator: dict[str, int] = data["generator"]
        self.db_timeout_ms: int = data["contract"]["db_timeout_ms"]
        self.profiles: dict[str, dict[str, Any]] = data["profiles"]
        self.plan = data["plan"]
        self.profile = self.profiles[self.plan["profile"]]
        self.receipt: dict[str, float] = data["receipt"]
        self.targets = [
            Target(name, t["title"], t["port"], t["command"][1:], t["env"], t["workers"] == "processes")
            for name, t in data["targets"].items()
        ]

    def budget(self, mode: str, target: Target) -> Budget:
        """The budget of a target in a mode."""
        m = self.modes[mode]
        processes = m["workers"] if target.processes else 1
        size, rest = divmod(m["db_connections"], processes)
        if rest:
            raise LabError(f"lab.toml: mode {mode}: {m['db_connections']} db_connections do not divide by {processes} processes.")
        return Budget(m["cpus"], m["workers"], size)

    def k6_variables(self, mode: str) -> dict[str, str]:
        """What k6's own runtime gets, as the runner gives it."""
        return {
            "GOMAXPROCS": str(self.modes[mode]["load_cpus"]),
            "GOGC": "off",
            "GOMEMLIMIT": f"{self.generator['memory_mib']}MiB",
        }

    def mode_variables(self, mode: str, target: Target) -> dict[str, str]:
        """A target's variables that carry its budget, filled."""
        b = self.budget(mode, target)
        values = {"cpus": str(b.cpus), "workers": str(b.workers), "pool_size": str(b.pool_size)}
        return {name: fill(text, values) for name, text in target.variables(of_mode=True).items()}


def placeholders(text: str) -> list[str]:
    """The names in braces."""
    return re.findall(r"\{(\w+)\}", text)


def fill(text: str, values: dict[str, str]) -> str:
    """Puts values in place of `{name}`."""
    for name in placeholders(text):
        if name not in values:
            raise LabError(f"lab.toml: {{{name}}} in `{text}` has no meaning in a container.")
        text = text.replace(f"{{{name}}}", values[name])
    return text
