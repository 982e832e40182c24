"""Machines that answer as a right (or, with a fault, a wrong) lab would, and record what they were asked."""

# ruff: noqa: ARG002 (the signatures are the driver's)

import json
import re
from collections.abc import Callable
from typing import Any

from driver import Machine

GIB = 1024**3


class MustFail(AssertionError):
    """A command of the script failed in the guest."""


class World:
    """What the machines share: which service runs, which load, and the fault to show."""

    def __init__(self, facts: dict[str, Any], fault: str) -> None:
        self.facts = facts
        self.fault = fault
        self.running: dict[str, Any] | None = None
        self.loads: dict[str, int] = {}
        self.restarts = 0
        self.database_down = False
        self.calls: list[tuple[str, str]] = []

    def has(self, fault: str) -> bool:
        """Is this the fault to show?"""
        return self.fault == fault


class FakeMachine(Machine):
    """Answers by rules: the first whose pattern is found in the command."""

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.world = world
        self.rules: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
            (re.compile(pattern), answer)
            for pattern, answer in (
                (r"systemctl start (bench-api-\S+)", self.start_service),
                (r"systemctl stop (bench-api-\S+)", self.stop_service),
                (r"systemctl restart postgresql.service", self.restart_postgres),
                (r"systemctl stop postgresql.target", lambda _: self.set_down(True)),
                (r"systemctl start postgresql.target", lambda _: self.set_down(False)),
                (r"systemctl (start|stop) ", lambda _: ""),
                (r"systemd-run .*--unit=(\S+)", self.start_load),
                (r"psql .*pg_stat_activity", lambda _: f"{self.connections()}\n"),
                (r"PGPASSWORD=wrong psql", lambda _: "FATAL:  password authentication failed for user\n"),
                (r"psql .*count\(\*\) FROM users", lambda _: f"{self.world.facts['users']}\n"),
                (r"cat /sys/fs/cgroup/\S*/(\S+)/(\S+)", self.cgroup_file),
                (r"Cpus_allowed_list /proc/(\d+)/status", self.allowed),
                (r"contract --url", self.contract),
                (r"ss -Htnp", self.sockets),
                (r"env BENCH_BASE_URL.* k6 run", lambda _: ""),
                (r"cat /tmp/\S+\.json", self.summary),
                (r"cat \S+/manifest.json", self.manifest),
                (r"ls -d|find \S+ -mindepth 1", lambda _: f"{self.world.facts['results']}/run-1/\n"),
                (r"find /sys/fs/cgroup", lambda _: "/sys/fs/cgroup/benchfw.1\n" if self.world.has("left behind") else ""),
                (r"bench validate", self.validate),
                (r"journalctl", lambda _: "a line of the log\n"),
                (r"mkdir -p|printf|curl", lambda _: ""),
            )
        ]

    def record(self, method: str, what: str) -> None:
        self.world.calls.append((f"{self.name}.{method}", what))

    def answer(self, command: str) -> str:
        for pattern, reply in self.rules:
            if match := pattern.search(command):
                return reply(match)
        raise LookupError(f"the fake machine has no answer for: {command}")

    # The driver's methods.

    def start(self) -> None:
        self.record("start", "")

    def wait_for_unit(self, unit: str, user: str | None = None, timeout: int = 900) -> None:
        self.record("wait_for_unit", unit)

    def wait_for_open_port(self, port: int, addr: str = "localhost", timeout: int = 900) -> None:
        self.record("wait_for_open_port", f"{addr}:{port}")
        assert self.world.running is not None and self.world.running["port"] == port, "nobody listens"

    def wait_until_succeeds(self, command: str, timeout: int = 900) -> str:
        self.record("wait_until_succeeds", command)
        if "503" in command:
            assert self.world.database_down, "the service is ready, and waits for 503"
        return self.answer(command)

    def succeed(self, *commands: str, timeout: int | None = None) -> str:
        for command in commands:
            self.record("succeed", command)
        return "".join(self.answer(command) for command in commands)

    def fail(self, *commands: str, timeout: int | None = None) -> str:
        for command in commands:
            self.record("fail", command)
        if self.world.has("password"):
            raise MustFail("unexpectedly succeeded")
        return "".join(self.answer(command) for command in commands)

    def get_unit_property(self, unit: str, property: str, user: str | None = None) -> str:  # noqa: PLR0911
        self.record("get_unit_property", f"{unit} {property}")
        world = self.world
        match property:
            case "ControlGroup":
                if world.has("slice"):
                    return f"/system.slice/{unit}"
                return f"/bench.slice/x.slice/{unit}"
            case "SubState":
                world.loads[unit] = world.loads.get(unit, 0) + 1
                return "running" if world.loads[unit] < 3 else "exited"
            case "ExecMainStatus":
                if unit == "bench-run.service":
                    return "4" if world.has("run") else "0"
                return "99" if world.has("k6") else "0"
            case "ActiveState":
                return "inactive"
            case "Result":
                return "timeout" if world.has("result") else "success"
            case "MainPID" if unit.startswith("postgresql"):
                return "900"
            case "MainPID":
                return str(1000 + (world.restarts if world.has("died") else 0))
        raise LookupError(f"no answer for property {property}")

    def copy_from_machine(self, source: str, target_dir: str = "") -> None:
        self.record("copy_from_machine", source)

    # The answers.

    def start_service(self, match: re.Match[str]) -> str:
        assert self.world.running is None, "two services at once"
        [self.world.running] = [t for t in self.world.facts["targets"].values() if t["unit"] == match[1]]
        return ""

    def stop_service(self, match: re.Match[str]) -> str:
        assert self.world.running is not None and self.world.running["unit"] == match[1]
        self.world.running = None
        return ""

    def set_down(self, down: bool) -> str:
        self.world.database_down = down
        return ""

    def restart_postgres(self, match: re.Match[str]) -> str:
        del match
        self.world.restarts += 1
        return ""

    def start_load(self, match: re.Match[str]) -> str:
        self.world.loads[match[1]] = 0
        return ""

    def connections(self) -> int:
        world = self.world
        if world.running is None:
            return 1 if world.has("left connections") else 0
        wanted = int(world.facts["db_connections"])
        return wanted + 1 if world.has("one too many") else wanted - 1 if world.has("one too few") else wanted

    def cgroup_file(self, match: re.Match[str]) -> str:
        facts, world = self.world.facts, self.world
        file = match[2]
        match file:
            case "cpu.max":
                return "max 100000\n" if world.has("no quota") else f"{facts['cpus'] * 100000} 100000\n"
            case "cpuset.cpus.effective":
                return "0\n" if world.has("cpuset") else facts["cpu_sets"]["service"] + "\n"
            case "memory.max":
                return "max\n" if world.has("memory") else f"{GIB}\n"
            case "cpu.stat":
                seconds = facts["cpus"] * 4 * (3 if world.has("quota not kept") else 1)
                throttled = 0 if world.has("no throttling") else 39
                return f"usage_usec {seconds * 1000000}\nnr_periods 40\nnr_throttled {throttled}\n"
        raise LookupError(file)

    def allowed(self, match: re.Match[str]) -> str:
        part = "postgres" if match[1] == "900" else "service"
        return "Cpus_allowed_list:\t" + ("0" if self.world.has(f"cpus of {part}") else self.world.facts["cpu_sets"][part]) + "\n"

    def sockets(self, match: re.Match[str]) -> str:
        del match
        assert self.world.running is not None
        processes, pool = self.world.running["processes"], self.world.running["pool_size"]
        pools = [pool - 1 if self.world.has("pools") else pool] + [pool] * (processes - 1)
        lines = [
            f'0 0 127.0.0.1:4{n} 127.0.0.1:5432 users:(("x",pid={100 + p},fd={n}))' for p, size in enumerate(pools) for n in range(size)
        ]
        return "\n".join(lines) + "\n"

    def contract(self, match: re.Match[str]) -> str:
        del match
        if self.world.has("contract"):
            raise MustFail("contract ended with 1")
        return ""

    def summary(self, match: re.Match[str]) -> str:
        del match
        requests = 0 if self.world.has("no request") else 5000
        return json.dumps({"measure": {"http_reqs": requests, "failed_checks": 1 if self.world.has("wrong answer") else 0}})

    def manifest(self, match: re.Match[str]) -> str:
        del match
        kind = "native" if self.world.has("kind") else "vm"
        limits = "affinity" if self.world.has("limits") else "cgroup_v2"
        shared = self.world.has("shared")
        return json.dumps({"environment": {"kind": kind, "limits": limits, "shared_cpus": shared, "oversubscribed": False}})

    def validate(self, match: re.Match[str]) -> str:
        del match
        if self.world.has("validate"):
            raise MustFail("bench validate ended with 1")
        return ""
