"""Every combination of the compose files and profiles is what Docker Compose accepts, with the budgets of lab.toml."""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from labtools import images
from labtools.lab_toml import Lab
from labtools.paths import ROOT, cache_dir

DEBIAN_WITH_COMPOSE_2 = "trixie"
PLUGIN = "usr/libexec/docker/cli-plugins/docker-compose"


def compose() -> list[str]:
    """Docker Compose 2: the plugin where it is, else Debian's package unpacked beside the system. It needs no daemon."""
    if shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return ["docker", "compose"]
    root = cache_dir() / "docker-compose"
    with (cache_dir() / "docker-compose.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / PLUGIN).is_file():
            if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
                raise unittest.SkipTest("no `docker compose` here, and not root with mmdebstrap to unpack Debian's")
            shutil.rmtree(root, ignore_errors=True)
            command = ["mmdebstrap", "--quiet", "--variant=extract", "--include=docker-compose", DEBIAN_WITH_COMPOSE_2, str(root)]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise unittest.SkipTest(f"Debian's docker-compose cannot be had: {done.stderr.strip().splitlines()[-1:]}")
    libraries = root / "usr/lib/x86_64-linux-gnu"
    # Linked against its own libc, which may be newer than ours.
    return [str(libraries / "ld-linux-x86-64.so.2"), "--library-path", str(libraries), str(root / PLUGIN)]


class Config(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.compose = compose()
        cls.lab = Lab()
        cls.profiles = ["all", "load", *sorted({image.dockerfile for _, image in images.runnable(cls.lab)})]
        # The files in a folder of their own: no .env of the user's takes part.
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for file in (*ROOT.glob("docker-compose*.yml"), *ROOT.glob(".env.*")):
            shutil.copy2(file, cls.folder)
        shutil.copy2(cls.folder / ".env.example", cls.folder / ".env")

    def run_compose(self, *words: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        env = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
        return subprocess.run(
            [*self.compose, *words], cwd=cwd or self.folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    def config(self, *words: str) -> dict:
        done = self.run_compose(*words, "config", "--format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "", "a warning")
        return json.loads(done.stdout)

    def test_every_combination(self) -> None:
        count = 0
        for files in ([], *([f"docker-compose.{mode}.yml"] for mode in self.lab.modes)):
            chosen = [word for file in ("docker-compose.yml", *files) for word in ("-f", file)]
            for profile in (None, *self.profiles):
                words = [*chosen, *(["--profile", profile] if profile else []), "config", "-q"]
                with self.subTest(" ".join(words)):
                    done = self.run_compose(*words)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    count += 1
        self.assertEqual(count, (1 + len(self.lab.modes)) * (1 + len(self.profiles)))

    def test_the_example_alone_is_enough(self) -> None:
        # COMPOSE_FILE of .env.example names the overlay of the first mode.
        services = self.config("--profile", "all")["services"]
        self.assertEqual(services["go-api"]["cpus"], next(iter(self.lab.modes.values()))["cpus"])

    def test_without_env_it_says_what_to_do(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy2(ROOT / "docker-compose.yml", folder)
            done = self.run_compose("config", "-q", cwd=Path(folder))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("cp .env.example .env", done.stderr)

    def test_budgets_and_ports(self) -> None:
        for mode, m in self.lab.modes.items():
            services = self.config("-f", "docker-compose.yml", "-f", f"docker-compose.{mode}.yml", "--profile", "all")["services"]
            self.assertEqual(services["postgres"]["cpus"], m["postgres_cpus"])
            self.assertEqual(services["k6"]["cpus"], m["load_cpus"])
            for target, image in images.runnable(self.lab):
                with self.subTest(mode=mode, target=target.name):
                    service = services[image.service]
                    self.assertEqual(service["cpus"], m["cpus"])
                    self.assertEqual([(p["host_ip"], p["published"]) for p in service["ports"]], [("127.0.0.1", str(target.port))])
                    for name, value in self.lab.mode_variables(mode, target).items():
                        self.assertEqual(service["environment"][name], value)

    def test_hardening(self) -> None:
        services = self.config("-f", "docker-compose.yml", "-f", "docker-compose.single.yml", "--profile", "all")["services"]
        self.assertEqual(len(services), 2 + len(images.runnable(self.lab)))
        for name, service in services.items():
            with self.subTest(name):
                self.assertTrue(service["read_only"])
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                dockerfile = (ROOT / service["build"]["dockerfile"]).read_text()
                self.assertRegex(dockerfile, r"(?m)^USER [1-9]\d*:[1-9]\d*$", "not root, by number")


if __name__ == "__main__":
    unittest.main()
