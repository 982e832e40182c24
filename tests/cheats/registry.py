"""Every cheat and the guard that must catch it. docs/RECEIPT.md shows this as a table (table.py).

What a cheat does is the docstring of bad/NAME.py; what a disturbance does is said here.
"""

import ast
from dataclasses import dataclass, field
from pathlib import Path

BAD = Path(__file__).with_name("bad")


@dataclass(frozen=True)
class Cheat:
    """A bad service. `codes` are the reasons that must be given, `also` those that may be given besides."""

    name: str
    codes: frozenset[str] = frozenset()
    also: frozenset[str] = frozenset()

    @property
    def target(self) -> str:
        """Its name in lab.toml."""
        return self.name.replace("_", "-")

    @property
    def does(self) -> str:
        """What it does, in its own words."""
        return ast.get_docstring(ast.parse((BAD / f"{self.name}.py").read_text())) or ""


@dataclass(frozen=True)
class Disturbance:
    """Something wrong beside an honest service."""

    name: str
    does: str
    codes: frozenset[str]
    options: tuple[str, ...] = field(default=())


def cheat(name: str, *codes: str, also: tuple[str, ...] = ()) -> Cheat:
    """A cheat, shorter."""
    return Cheat(name, frozenset(codes), frozenset(also))


HONEST = Cheat("honest")

# Nothing is measured: `bench` ends with 4 and shows the difference. The kind of difference, as the suite calls it.
CONTRACT = [
    cheat("one_byte_less", "body"),
    cheat("one_space_more", "body"),
    cheat("names_a_charset", "header"),
    cheat("writes", "status"),
]

# It is never ready: `bench` ends with 2.
START = [cheat("wrong_port", "not ready")]

# The receipt does not balance: its target is not ranked.
FAIRNESS = [
    cheat("pool_larger", "connections_peak"),
    cheat("pool_not_split", "connections_peak"),
    cheat("pool_for_a_moment", "connections_peak"),
    cheat("more_workers", "processes"),
    cheat("helper", "processes"),
    cheat("leaves_its_limits", "processes", also=("service_cpu",)),
    cheat("raises_its_quota", "limits_in_force", also=("service_cpu",)),
    cheat("cache", "queries_per_request", also=("follows_database",)),
    cheat("cache_that_queries", "follows_database"),
    cheat("select_star", "statements", "queries_per_request"),
    cheat("literal_ids", "statements", "queries_per_request", also=("transactions",)),
    cheat("one_query_a_page", "statements", "queries_per_request"),
    cheat("pings", "queries_per_request"),
    cheat("empty_pings", "transactions"),
    cheat("refused_writes", "transactions"),
    cheat("few_rows", "rows_per_query", also=("follows_database",)),
    cheat("errors_under_load", "answers", also=("contract",)),
    cheat("shorter_under_load", "answers"),
    cheat("other_content_under_load", "answers"),
]

# The repetition is invalid, so nothing of it is ranked.
INVALID = [
    cheat("leaves_a_process", "left_behind"),
    cheat("ignores_sigterm", "drain"),
]

# The opportunity is not there: the repetition is valid, because the service cannot tell who asks.
HARMLESS = [cheat("only_honest_to_strangers")]

# As lab.toml has its thresholds; other lines about the host may fail as well.
HIDDEN = cheat("hidden_helper", "foreign_cpu")

DISTURBANCES = [
    Disturbance("burner", "Another program works on a quarter of the CPUs or more.", frozenset({"foreign_cpu"})),
    Disturbance("paused_postgres", "Postgres is stopped for 1.5 s, as by a slow disk; no request fails.", frozenset({"stall"})),
    Disturbance("saturated_k6", "k6 has no CPU left, because something works in its group.", frozenset({"generator_cpu"})),
    Disturbance(
        "rate_not_kept",
        "An open loop with too few users for its rate: the cap on users is reached.",
        frozenset({"dropped_iterations"}),
        ("--profile", "cheats-open"),
    ),
]

# What cannot be provoked without harm: a clock that is set, a hypervisor that steals, memory that is short.
UNIT_TESTS = {
    "The clock is set during a repetition.": "clock_step",
    "The hypervisor takes CPU away.": "host_steal",
    "The host has no idle CPU.": "host_idle",
    "Processes wait for memory.": "memory_pressure",
    "Processes wait for a disk.": "io_pressure",
    "A service uses more CPU than its quota.": "service_cpu",
    "Rows are missing from the record.": "record",
}
