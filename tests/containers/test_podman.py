"""Postgres, go-api and k6 in containers, built by the committed Dockerfiles and started by the committed compose files."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import ClassVar

import bases
import engine
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
                pid = self.inspect(container)["State"]["Pid"]
                self.assertEqual(quota(pid), cpus)

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
        said = self.podman("exec", SERVICE, "/bin/busybox", "touch", "/home", check=False)
        self.assertEqual(said, "")
        self.assertNotEqual(
            subprocess.run(
                [self.podman.bin / "podman", "exec", SERVICE, "/bin/busybox", "touch", "/x"], capture_output=True, check=False
            ).returncode,
            0,
        )

    def test_health(self) -> None:
        """Run by hand: podman leaves the schedule to systemd."""
        for container in (SERVICE, "bench-postgres"):
            with self.subTest(container):
                self.podman("healthcheck", "run", container)

    def test_contract(self) -> None:
        """Every answer of the container, byte for byte."""
        program = shutil.which("contract")
        self.assertIsNotNone(program, "the stage builds it")
        env = os.environ | {"CONTRACT_DATABASE_URL": self.owner_url()}
        done = subprocess.run([str(program), "--url", "http://127.0.0.1:8080"], env=env, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr)
        print(done.stdout.strip().splitlines()[-1])

    def test_load_by_service_name(self) -> None:
        """k6 in a container finds go-api by its name in the network of compose."""
        self.containers("compose", "up", "-d", "--no-deps", "k6")
        said = self.podman("exec", "bench-k6", "k6", "run", "--quiet", "--no-usage-report", "/lab/scripts/main.js")
        self.assertIn("failed requests 0, wrong answers 0, dropped iterations 0", said)
        print(" | ".join(line for line in said.splitlines() if line))

    def test_no_secret_in_the_logs(self) -> None:
        env = (self.tree / ".env").read_text()
        for name in ("POSTGRES_PASSWORD", "BENCH_API_PASSWORD"):
            secret = env.split(f"{name}=")[1].split("\n")[0]
            self.assertNotIn("change-me", secret, "passwords of its own")
            for container in (SERVICE, "bench-postgres"):
                self.assertNotIn(secret, self.podman("logs", container))


def copy_tree(target: Path) -> None:
    """What git knows or would know: the tests' .env must not be the user's."""
    names = output("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def quota(pid: int) -> float | None:
    """CPUs that a process' cgroup may use, in v1 or v2."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpu" in controllers.split(","):
            folder = Path("/sys/fs/cgroup") / controllers / path.lstrip("/")
            used, period = (int((folder / f"cpu.cfs_{what}_us").read_text()) for what in ("quota", "period"))
            return used / period if used > 0 else None
        unified = Path("/sys/fs/cgroup") / path.lstrip("/") / "cpu.max"
        if not controllers and unified.is_file():
            used_text, period_text = unified.read_text().split()
            return None if used_text == "max" else int(used_text) / int(period_text)
    return None


if __name__ == "__main__":
    unittest.main()
