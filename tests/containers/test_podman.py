"""Postgres, go-api and k6 in containers, built by the committed Dockerfiles and started by the committed compose files."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import ClassVar

import bases
import engine
from labtools import cgroup
from labtools.lab_toml import Lab
from labtools.paths import ROOT

SERVICE = "bench-go-api"


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
            # While there is still a network.
            subprocess.run(["go", "-C", str(ROOT / "go-api"), "mod", "download"], check=True)
            mounts = [f"{output('go', 'env', 'GOROOT')}:/usr/local/go:ro", f"{output('go', 'env', 'GOMODCACHE')}:/go/pkg/mod:ro"]
            work = Path(tempfile.mkdtemp(prefix="bench-containers-"))
            cls.addClassCleanup(shutil.rmtree, work, ignore_errors=True)
            engine.own_namespaces()
            cls.podman = cls.enterClassContext(engine.engine(work))
        except engine.Unavailable as reason:
            raise unittest.SkipTest(str(reason)) from reason
        cls.tree = work / "tree"
        copy_tree(cls.tree)
        lighten(cls.tree / "lab.toml")
        bases.build(cls.podman, work, postgres, k6)
        build = " ".join(["--isolation", "chroot", *(f"--volume={mount}" for mount in mounts)])
        cls.env = cls.podman.env | {"BENCH_COMPOSE": f"podman-compose --podman-build-args='{build}'"}
        cls.containers("up-go")
        cls.podman("ps", "--all")
        cls.addClassCleanup(cls.containers, "clean", "--yes")

    @classmethod
    def containers(cls, *words: str) -> str:
        """`./lab containers`, in the copy of the tree."""
        done = subprocess.run(
            [sys.executable, "tools/containers.py", *words],
            cwd=cls.tree, env=cls.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise AssertionError(f"containers {' '.join(words)} ended with {done.returncode}: {(done.stdout + done.stderr)[-4000:]}")
        return done.stdout

    def inspect(self, container: str) -> dict:
        return json.loads(self.podman("inspect", container))[0]

    def owner_url(self) -> str:
        env = dict(line.split("=", 1) for line in (self.tree / ".env").read_text().splitlines() if "=" in line and line[0] != "#")
        return f"postgres://postgres:{env['POSTGRES_PASSWORD']}@127.0.0.1:5432/{Lab().postgres['database']}?sslmode=disable"

    def test_limits(self) -> None:
        """The quota of lab.toml, read back from the kernel."""
        mode = Lab().modes["single"]
        for container, cpus in ((SERVICE, mode["cpus"]), ("bench-postgres", mode["postgres_cpus"])):
            with self.subTest(container):
                usage = cgroup.read(self.inspect(container)["State"]["Pid"])
                self.assertIsNotNone(usage)
                self.assertEqual(usage.quota_cpus, cpus)

    def test_hardening(self) -> None:
        for container, user in ((SERVICE, 65534), ("bench-postgres", 999)):
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
        for container in (SERVICE, "bench-postgres"):
            with self.subTest(container):
                self.podman("healthcheck", "run", container)

    def test_contract(self) -> None:
        """Every answer of the container, byte for byte."""
        built = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
        program = Path(built) / "release/contract"
        self.assertTrue(program.is_file(), "the stage builds it")
        env = os.environ | {"CONTRACT_DATABASE_URL": self.owner_url()}
        done = subprocess.run([str(program), "--url", "http://127.0.0.1:8080"], env=env, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr)
        print(done.stdout.strip().splitlines()[-1])

    def test_load_by_service_name(self) -> None:
        """k6 in a container finds go-api by its name in the network of compose."""
        self.containers("compose", "up", "-d", "--no-deps", "k6")
        profile = json.dumps({"executor": "constant-vus", "warmup_s": 1, "measure_s": 1, "vus": 2, "think_time_ms": 20, "mix": {"user": 1}})
        words = ("exec", "-e", f"BENCH_PROFILE={profile}", "bench-k6", "k6", "run", "--quiet", "--no-usage-report", "/lab/scripts/main.js")
        said = self.podman(*words)
        self.assertIn("failed requests 0, wrong answers 0, dropped iterations 0", said)
        print(" | ".join(line for line in said.splitlines() if line))

    def test_zz_measurement(self) -> None:
        """Last, because it stops the services: a short series, stored with its evidence, and nothing left running."""
        said = self.containers("bench-go", "--quick", "--blocks", "2", "--seed", "7")
        (folder,) = (self.tree / "results/containers").iterdir()
        self.assertIn(f"./lab exec analyze import --paired --scenario measure results/containers/{folder.name}/*.csv", said)
        for block in (1, 2):
            evidence = json.loads((folder / f"go-api-{block}.json").read_text())
            self.assertEqual((evidence["environment"], evidence["reasons"]), ("container", []))
            lines = (folder / f"go-api-{block}.csv").read_text().splitlines()
            self.assertTrue(lines[0].startswith("metric_name,timestamp,metric_value"), lines[0])
            self.assertTrue(all(line.count(",") >= lines[0].count(",") for line in lines), "only rows in it")
            columns = lines[0].split(",")
            measured = [
                line for line in lines[1:] if (f := line.split(","))[0] == "http_req_duration" and f[columns.index("scenario")] == "measure"
            ]
            self.assertEqual(len(measured), evidence["summary"]["measure"]["http_reqs"], "a row for every request")
            used = evidence["after"]["service"]["cpu_s"] - evidence["before"]["service"]["cpu_s"]
            self.assertGreater(used, 0)
            self.assertLessEqual(used, 1.1 * evidence["wall_s"], "never above its quota")
        summaries = sorted((self.tree / "loadtest/results").iterdir())
        self.assertEqual([file.name.split("-")[0] for file in summaries], ["go", "go"])
        self.assertEqual(self.podman("ps", "--quiet"), "")

    def test_no_secret_in_the_logs(self) -> None:
        env = (self.tree / ".env").read_text()
        for name in ("POSTGRES_PASSWORD", "BENCH_API_PASSWORD"):
            secret = env.split(f"{name}=")[1].split("\n")[0]
            self.assertNotIn("change-me", secret, "passwords of its own")
            for container in (SERVICE, "bench-postgres"):
                self.assertNotIn(secret, self.podman("logs", container))


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
