"""Postgres, the services and k6 in containers, built by the committed Dockerfiles and started by the committed compose files."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import ClassVar

import bases
import engine
from labtest import toolchains
from labtest.results import HOST_CAUSES
from labtools import images
from labtools.lab_toml import Lab
from labtools.paths import ROOT

LAB = Lab()
# Container -> target.
SERVICES = {f"bench-{image.service}": target for target, image in images.runnable(LAB)}
USERS = dict.fromkeys(SERVICES, 65534) | {"bench-postgres": 999}


def output(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()


def programs() -> tuple[Path, Path]:
    """The folder of the pinned PostgreSQL, and k6, from the inventory that ./lab wrote."""
    path = os.environ.get("BENCH_INVENTORY")
    if not path:
        raise engine.Unavailable("no inventory of programs: start through `./lab test containers`")
    known = json.loads(Path(path).read_text())["programs"]
    return Path(known["postgres"]["path"]).parents[1], Path(known["k6"]["path"])


class InContainers(unittest.TestCase):
    podman: ClassVar[engine.Engine]
    tree: ClassVar[Path]

    @classmethod
    def setUpClass(cls) -> None:
        try:
            postgres, k6 = programs()
            work = Path(tempfile.mkdtemp(prefix="bench-containers-"))
            cls.addClassCleanup(shutil.rmtree, work, ignore_errors=True)
            engine.own_mounts()
            cls.podman = cls.enterClassContext(engine.engine(work))
            bases.build(cls.podman, work, postgres, k6)
        except engine.Unavailable as reason:
            raise unittest.SkipTest(str(reason)) from reason
        cls.tree = work / "tree"
        copy_tree(cls.tree)
        lighten(cls.tree / "lab.toml")
        build = " ".join(["--isolation", "chroot", "--network", "host", *(f"--volume={mount}" for mount in mounts())])
        cls.env = cls.podman.env | {"BENCH_COMPOSE": f"podman-compose --podman-build-args='{build}'"}
        cls.containers("build", seconds=900)
        engine.own_network()
        cls.containers("up")
        cls.podman("ps", "--all")
        cls.addClassCleanup(cls.containers, "clean", "--yes")

    @classmethod
    def containers(cls, *words: str, codes: tuple[int, ...] = (0,), seconds: float = 300) -> str:
        """`./lab containers`, in the copy of the tree."""
        done = subprocess.run(
            [sys.executable, "tools/containers.py", *words],
            cwd=cls.tree, env=cls.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
        if done.returncode not in codes:
            raise AssertionError(f"containers {' '.join(words)} ended with {done.returncode}: {(done.stdout + done.stderr)[-4000:]}")
        return done.stdout

    def inspect(self, container: str) -> dict:
        return json.loads(self.podman("inspect", container))[0]

    def owner_url(self) -> str:
        env = dict(line.split("=", 1) for line in (self.tree / ".env").read_text().splitlines() if "=" in line and line[0] != "#")
        return f"postgres://postgres:{env['POSTGRES_PASSWORD']}@127.0.0.1:5432/{LAB.postgres['database']}?sslmode=disable"

    def check_budgets(self, mode: str) -> None:
        """The quotas and connections of lab.toml: from the kernel, and from Postgres by the container's address."""
        budget = LAB.modes[mode]
        for container, cpus in dict.fromkeys(SERVICES, budget["cpus"]).items() | {("bench-postgres", budget["postgres_cpus"])}:
            with self.subTest(container):
                self.assertEqual(engine.quota(self.inspect(container)["State"]["Pid"]), cpus)
        ask = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{LAB.postgres['role']}' GROUP BY client_addr"
        pools = [budget["db_connections"]] * len(SERVICES)
        end = time.monotonic() + 20
        while (seen := [int(line) for line in output("psql", self.owner_url(), "-Atc", ask).split()]) != pools:
            self.assertLess(time.monotonic(), end, f"connections of each service: {seen}, not {pools}")
            time.sleep(0.1)

    def test_budgets(self) -> None:
        self.check_budgets("single")

    def test_hardening(self) -> None:
        for container, user in USERS.items():
            with self.subTest(container):
                self.assertTrue(self.inspect(container)["HostConfig"]["ReadonlyRootfs"])
                status = Path(f"/proc/{self.inspect(container)['State']['Pid']}/status").read_text()
                fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
                self.assertEqual(fields["Uid"].split(), [str(user)] * 4)
                self.assertEqual(int(fields["CapEff"], 16), 0)
                self.assertEqual(int(fields["CapBnd"], 16), 0)
                self.assertEqual(fields["NoNewPrivs"], "1")
                with self.assertRaisesRegex(AssertionError, "Read-only file system"):
                    self.podman("exec", container, "/bin/busybox", "touch", "/x")

    def test_health(self) -> None:
        """Run by hand: podman leaves the schedule to systemd."""
        for container in USERS:
            with self.subTest(container):
                self.podman("healthcheck", "run", container)

    def test_contract(self) -> None:
        """Every answer of the containers, byte for byte."""
        built = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
        program = Path(built) / "release/contract"
        self.assertTrue(program.is_file(), "the stage builds it")
        env = os.environ | {"CONTRACT_DATABASE_URL": self.owner_url()}
        for container, target in SERVICES.items():
            with self.subTest(container):
                words = [str(program), "--url", f"http://127.0.0.1:{target.port}"]
                done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr)
                print(container, done.stdout.strip().splitlines()[-1])

    def test_load_by_service_name(self) -> None:
        """k6 in a container finds go-api by its name in the network of compose."""
        self.containers("compose", "up", "-d", "--no-deps", "k6")
        profile = json.dumps({"executor": "constant-vus", "warmup_s": 1, "measure_s": 1, "vus": 2, "think_time_ms": 20, "mix": {"user": 1}})
        words = ("exec", "-e", f"BENCH_PROFILE={profile}", "bench-k6", "k6", "run", "--quiet", "--no-usage-report", "/lab/scripts/main.js")
        said = self.podman(*words)
        self.assertIn("failed requests 0, wrong answers 0, dropped iterations 0", said)
        print(" | ".join(line for line in said.splitlines() if line))

    def measured(self, folder: Path, cpus: float, said: str) -> list[dict]:
        """The stored repetitions of a run in containers, whose receipts must balance but for a busy host."""
        environment = json.loads((folder / "manifest.json").read_text())["environment"]
        self.assertEqual((environment["kind"], environment["limits"]), ("container", "container_engine"))
        stored = [json.loads(file.read_text()) for file in sorted(folder.glob("*/quick/*/*/repetition.json"))]
        for repetition in stored:
            self.assertEqual([r for r in repetition["reasons"] if r["code"] not in HOST_CAUSES], [], said)
            lines = {line["code"]: line for line in repetition["receipt"]}
            for code in ("limits_in_force", "service_cpu", "processes", "connections_peak", "statements", "follows_database", "answers"):
                self.assertIs(lines[code]["ok"], True, lines[code])
            self.assertEqual(repetition["evidence"]["limits_in_force"]["service"]["cpu_quota"], cpus)
            self.assertGreater(repetition["evidence"]["cpu"]["service"]["used_s"], 0)
        print(output("bench", "validate", str(folder)))
        return stored

    def test_y_measurement(self) -> None:
        """After the tests of what is up, because it stops that: a short run of all services, stored as every run is."""
        out = self.tree / "results"
        said = self.containers("bench", "--quick", "--repetitions", "2", "--seed", "7", "--out", str(out), codes=(0, 1))
        (folder,) = out.iterdir()
        self.assertEqual(len(self.measured(folder, LAB.modes["single"]["cpus"], said)), 2 * len(SERVICES), said)
        versions = json.loads((folder / "manifest.json").read_text())["versions"]
        self.assertEqual(versions["programs"]["go"], "bench-frameworks/go-api:local")
        self.assertRegex(versions["sha256"]["python image"], "^[0-9a-f]{64}$")
        judged = json.loads(output("analyze", str(folder), "--format", "json"))
        self.assertEqual({row["target"] for row in judged["repetitions"]}, {target.name for target in SERVICES.values()})
        # It goes on in containers, and only there.
        native = subprocess.run(["bench", "resume", str(folder)], capture_output=True, text=True, check=False)
        self.assertEqual(native.returncode, 2)
        self.assertIn("was begun in containers", native.stderr)
        shutil.rmtree(folder / "single/quick/go/002")
        self.containers("resume", str(folder), codes=(0, 1))
        self.assertTrue((folder / "single/quick/go/002/repetition.json").is_file())
        self.assertEqual(self.podman("ps", "--quiet"), "")

    def test_z_multi(self) -> None:
        """The other mode's budgets, and one repetition under them. A host with fewer CPUs is marked, not refused by podman."""
        self.containers("--mode", "multi", "up")
        self.check_budgets("multi")
        out = self.tree / "multi"
        words = ("--quick", "--repetitions", "1", "--allow-oversubscribed", "--out", str(out))
        said = self.containers("--mode", "multi", "bench-py", *words, codes=(0, 1))
        (folder,) = out.iterdir()
        self.assertEqual(len(self.measured(folder, LAB.modes["multi"]["cpus"], said)), 1, said)
        summaries = sorted((self.tree / "loadtest/results").iterdir())
        self.assertEqual([file.name.split("-")[0] for file in summaries], ["python"])
        self.assertEqual(self.podman("ps", "--quiet"), "")

    def test_no_secret_in_the_logs(self) -> None:
        env = (self.tree / ".env").read_text()
        for name in ("POSTGRES_PASSWORD", "BENCH_API_PASSWORD"):
            secret = env.split(f"{name}=")[1].split("\n")[0]
            self.assertNotIn("change-me", secret, "passwords of its own")
            for container in USERS:
                self.assertNotIn(secret, self.podman("logs", container))


def mounts() -> list[str]:
    """Mounts for the builds: Go and Rust with what they have fetched, instead of what the real bases bring."""
    go, rust = toolchains.go(), toolchains.rust()
    return [
        f"{go.root}:/usr/local/go:ro",
        f"{go.fetched}:/go/pkg/mod:ro",
        f"{rust.root}:/usr/local/rust:ro",
        f"{rust.fetched}:/usr/local/cargo/registry",
    ]


def lighten(lab_toml: Path) -> None:
    """Two users in the quick load: this tests the way, not the services."""
    head, table, rest = lab_toml.read_text().partition("[profiles.quick]")
    quick, following, tail = rest.partition("\n[")
    lab_toml.write_text(head + table + re.sub(r"(?m)^vus = \d+", "vus = 2", quick) + following + tail)


def copy_tree(target: Path) -> None:
    """What git knows or would know: the tests' .env must not be the user's."""
    names = output("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


if __name__ == "__main__":
    unittest.main()
