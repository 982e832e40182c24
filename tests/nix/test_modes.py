"""Budgets: what Nix derives from lab.toml is what `bench` derives, and a wrong one is refused in the same words."""

import json
import os
import re
import shutil
import subprocess
import tomllib
import unittest
from pathlib import Path
from typing import Any

import host

LAB = tomllib.loads((host.ROOT / "lab.toml").read_text())
MODES = tuple(LAB["modes"])
TARGET_LINE = re.compile(r"^  (\S+)\s+(\d+) CPUs?, (\d+) workers?, (\d+) pools? of (\d+) ")


def bench(*arguments: str, inventory: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The runner that ./lab built."""
    program = shutil.which("bench")
    if not program:
        raise unittest.SkipTest("bench is not on PATH (./lab test puts it there)")
    env = dict(os.environ)
    if inventory:
        env["BENCH_INVENTORY"] = str(inventory)
    return subprocess.run([program, *arguments], env=env, cwd=host.ROOT, capture_output=True, text=True, check=False)


def nix_inventory() -> Path:
    """The inventory as Nix writes it; the root is the tree, because nothing is built here."""
    base = host.evaluate("packages.x86_64-linux.inventory.base")
    base["root"] = str(host.SETUP.tree)
    for target in base["targets"].values():
        target["version"] = "from the build"
    path = host.SETUP.work / "inventory.json"
    path.write_text(json.dumps(base))
    return path


class Same(unittest.TestCase):
    """Nix and Rust read the same file and must mean the same."""

    maxDiff = None

    def listed(self, mode: str) -> dict[str, dict[str, int]]:
        done = bench("run", "--mode", mode, "--list", "--seed", "1", "--allow-oversubscribed", inventory=nix_inventory())
        self.assertEqual(done.returncode, 0, done.stderr)
        found = {}
        for line in done.stdout.splitlines():
            if match := TARGET_LINE.match(line):
                cpus, workers, processes, pool = map(int, match.groups()[1:])
                found[match[1]] = {"cpus": cpus, "workers": workers, "processes": processes, "pool_size": pool}
        self.assertEqual(set(found), set(LAB["targets"]))
        return found

    def test_budgets(self) -> None:
        done = host.expression("lab.modes.budgets")
        self.assertEqual(done.returncode, 0, done.stderr)
        budgets = json.loads(done.stdout)
        for mode in MODES:
            for target, wanted in self.listed(mode).items():
                with self.subTest(mode=mode, target=target):
                    wanted["db_connections"] = LAB["modes"][mode]["db_connections"]
                    self.assertEqual(budgets[mode][target], wanted)

    def test_units(self) -> None:
        for mode in MODES:
            config = host.evaluate(f"checks.x86_64-linux.{mode}.configs.machine.systemd")
            for target, budget in self.listed(mode).items():
                with self.subTest(mode=mode, target=target):
                    self.check_unit(config["services"][f"bench-api-{target}"], LAB["targets"][target], budget)

    def check_unit(self, unit: dict[str, Any], target: dict[str, Any], budget: dict[str, int]) -> None:
        settings = unit["serviceConfig"]
        self.assertEqual(settings["CPUQuota"], f"{budget['cpus'] * 100}%")
        self.assertEqual(len(settings["AllowedCPUs"].split(",")), budget["cpus"])
        self.assertEqual(settings["Slice"], "bench-service.slice")
        for name in ("DynamicUser", "NoNewPrivileges", "MemoryDenyWriteExecute", "ProtectHome"):
            self.assertIs(settings[name], True, name)
        self.assertEqual(settings["ProtectSystem"], "strict")
        self.assertLessEqual({"postgresql.target", "bench-seed.service"}, set(unit["after"]))
        values = {
            "host": "127.0.0.1",
            "port": target["port"],
            "db_timeout_ms": LAB["contract"]["db_timeout_ms"],
            **budget,
        }
        wanted = {name: text.format_map(values) for name, text in target["env"].items() if "{database_url}" not in text}
        self.assertEqual(unit["environment"], wanted)
        self.assertNotIn("postgres://", json.dumps(unit))

    def test_cpu_sets_are_the_plan_of_lab_limits(self) -> None:
        """In the order of lab-limits: load on the lowest, then Postgres, then the service; nothing shared."""
        for mode in MODES:
            m = LAB["modes"][mode]
            sets = host.evaluate(f"checks.x86_64-linux.{mode}.configs.machine.bench.cpuSets")
            self.assertEqual(
                sets["load"] + sets["postgres"] + sets["service"], list(range(m["load_cpus"] + m["postgres_cpus"] + m["cpus"]))
            )
            self.assertEqual([len(sets[part]) for part in ("load", "postgres", "service")], [m["load_cpus"], m["postgres_cpus"], m["cpus"]])
            cores = host.evaluate(f"checks.x86_64-linux.{mode}.configs.machine.virtualisation.cores")
            self.assertEqual(cores, sum(len(part) for part in sets.values()))

    def test_postgres_settings(self) -> None:
        """Every setting of lab.toml arrives, and no other."""
        settings = host.evaluate("checks.x86_64-linux.single.configs.machine.services.postgresql.settings")
        self.assertEqual(settings, LAB["postgres"]["settings"] | {"port": 5432})

    def test_bench_reads_the_inventory(self) -> None:
        """`deny_unknown_fields` and all: the programs and commands that Nix names."""
        base = json.loads(nix_inventory().read_text())
        self.assertEqual(base["kind"], "nix")
        self.assertEqual(set(base["targets"]), set(LAB["targets"]))
        self.assertEqual(set(base["programs"]), {"k6", "initdb", "pg_ctl", "postgres", "psql"})
        self.assertEqual(base["targets"]["rust-tokio-postgres"]["command"][1:], ["--store", "tokio-postgres"])
        self.assertEqual(bench("run", "--list", "--seed", "1", inventory=nix_inventory()).returncode, 0)


class Refused(unittest.TestCase):
    """What is wrong is an error when evaluated, not a surprise when run."""

    def refuse(self, done: subprocess.CompletedProcess[str], words: str) -> None:
        self.assertNotEqual(done.returncode, 0, f"accepted: {done.stdout[:500]}")
        self.assertIn(words, done.stderr)

    def test_the_good_one_is_accepted(self) -> None:
        """So that the refusals below are not for some other reason."""
        done = host.expression(
            "(system { bench.postgres.enable = true; bench.api.go.enable = true; }).systemd.services.bench-api-go.description"
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_pool_that_does_not_divide(self) -> None:
        old = "cpus = 4\nworkers = 4\ndb_connections = 40"
        tree = host.changed_tree("wrong-pool", {"lab.toml": (old, old.replace("40", "41"))})
        words = "mode multi: 41 db_connections do not divide by 4 processes"
        for system in host.SYSTEMS:
            self.refuse(host.flake("eval", tree=tree, attribute=f"#checks.{system}.single.drvPath", check=False), words)
        said = bench("--lab", str(tree / "lab.toml"), "run", "--list", inventory=nix_inventory())
        self.assertEqual(said.returncode, 2)
        # For a terminal: the words are wrapped.
        self.assertIn(words, re.sub(r"[\s│]+", " ", said.stderr))

    def test_own_number_of_connections(self) -> None:
        body = (
            '(system {{ bench = {{ mode = "multi"; postgres.enable = true; api.python = {{ enable = true; connections = {}; }}; }}; }})'
            ".systemd.services.bench-api-python.environment.DB_POOL_MAX_SIZE"
        )
        self.refuse(host.expression(body.format(42)), "mode multi: 42 db_connections do not divide by 4 processes")
        done = host.expression(body.format(44))
        self.assertEqual(done.stdout.strip(), '"11"')

    def test_misspelt_options(self) -> None:
        for option in (
            "bench.postgres.enabel = true",
            "bench.api.go.conections = 30",
            "bench.lab.enabled = true",
            "systemd.services.x.serviceconfig = { }",
            "virtualisation.memory = 1",
        ):
            with self.subTest(option):
                done = host.expression(f"(system {{ {option}; }}).systemd.services")
                self.refuse(done, "does not exist")

    def test_wrong_types_and_names(self) -> None:
        for option, words in (
            ('bench.mode = "double"', "bench.mode"),
            ('bench.api.go = { enable = true; cpuQuota = "4 CPUs"; }', "cpuQuota"),
            ("bench.api.go = { enable = true; port = 80800; }", "port"),
            ("bench.api.golang.enable = true", "lab.toml has no target of this name; there are: go, python"),
            ("bench.api.go.enable = true", "bench.api.go.environmentFile is missing"),
        ):
            with self.subTest(option):
                self.refuse(host.expression(f"builtins.deepSeq (system {{ {option}; }}).systemd.services 1"), words)

    def test_assertions(self) -> None:
        start_all = " ".join(f"{name}.enable = true;" for name in LAB["targets"])
        for options, words in (
            (f"api = {{ {start_all} }};", "do not fit max_connections = 100"),
            ("api.go = { enable = true; port = 8081; }; api.python.enable = true;", "have the same port"),
            ("api.go = { enable = true; port = 5432; };", "have the same port"),
            ("cpuSets.load = [ 2 ];", "must not share a CPU"),
            ('api.go = { enable = true; command = [ "go-api" "{database_url}" ]; };', "everybody could read it"),
        ):
            with self.subTest(options):
                self.refuse(host.expression(f"(system {{ bench = {{ postgres.enable = true; {options} }}; }}).systemd.services"), words)

    def test_lab_toml(self) -> None:
        for name, change, words in (
            ("placeholder", ('GOMAXPROCS = "{workers}"', 'GOMAXPROCS = "{wokers}"'), "unknown placeholder {wokers}"),
            ("too-many", ("max_connections = 100", "max_connections = 45"), "do not fit max_connections = 45"),
            ("package", ("[targets.go", "[targets.elixir"), "target elixir of lab.toml has no package: add it to nix/targets.nix"),
            ("kind", ('workers = "processes"', 'workers = "fibers"'), "workers must be `threads` or `processes`, not `fibers`"),
        ):
            with self.subTest(name):
                tree = host.changed_tree(f"lab-{name}", {"lab.toml": change})
                self.refuse(host.flake("eval", tree=tree, attribute="#checks.x86_64-linux.single.drvPath", check=False), words)
