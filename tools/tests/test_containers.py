"""What `./lab containers bench` tells the runner, and how it hands over."""

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from pathlib import Path
from unittest import mock

from labtools import images, needs
from labtools.lab_toml import Lab
from labtools.say import LabError

import containers


class Told(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.dict(os.environ, {"BENCH_COMPOSE": "podman-compose --x"}))
        os.environ.pop("POSTGRES_PORT", None)
        self.enterContext(mock.patch.object(containers, "ensure_env", lambda: {"POSTGRES_PASSWORD": "secret"}))

    def test_it_follows_from_lab_toml(self) -> None:
        with containers.Containers("single").told() as path:
            stack = json.loads(path.read_text())
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, "a password is in it")
        self.assertFalse(path.exists())
        self.assertEqual(stack["engine"], ["podman"])
        self.assertEqual(stack["compose"][:2], ["podman-compose", "--x"])
        self.assertEqual((stack["postgres"]["port"], stack["postgres"]["password"]), (5432, "secret"))
        expected = {target.name: (image.service, target.port) for target, image in images.runnable(Lab())}
        self.assertEqual({name: (s["service"], s["port"]) for name, s in stack["services"].items()}, expected)

    def test_another_port(self) -> None:
        with mock.patch.dict(os.environ, {"POSTGRES_PORT": "6000"}), containers.Containers("single").told() as path:
            self.assertEqual(json.loads(path.read_text())["postgres"]["port"], 6000)


class Runner(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def bench(self, script: str) -> dict[str, str]:
        """A `bench` of the test's own, and the environment that finds it first."""
        program = self.folder / "bench"
        program.write_text(f"#!{sys.executable}\n" + textwrap.dedent(script))
        program.chmod(0o755)
        return os.environ | {"PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}"}

    def test_words_variables_and_exit_code(self) -> None:
        env = self.bench("""
            import os, sys
            assert sys.argv[1] == "--lab" and sys.argv[3:] == ["run", "-t", "go"], sys.argv
            sys.exit(int(os.environ["CODE"]))
        """)
        with mock.patch.dict(os.environ, env):
            self.assertEqual(containers.runner(["run", "-t", "go"], {"CODE": "4"}), 4)

    def test_signals_are_the_runners(self) -> None:
        env = self.bench("""
            import signal, sys, time
            signal.signal(signal.SIGINT, lambda *_: None)
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
            print("ready", flush=True)
            time.sleep(60)
        """)
        code = "import containers, sys; code = containers.runner([], {}); print('in order'); sys.exit(code)"
        folder = str(Path(containers.__file__).parent)
        process = subprocess.Popen([sys.executable, "-c", code], env=env, cwd=folder, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        self.assertIsNone(process.poll(), "it waits for what the runner does")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.communicate(timeout=20)[0], "in order\n")
        self.assertEqual(process.returncode, 130)

    def test_no_runner(self) -> None:
        with mock.patch.dict(os.environ, {"PATH": str(self.folder)}), self.assertRaisesRegex(LabError, "no `bench` on PATH"):
            containers.runner([], {})


class Resume(unittest.TestCase):
    def test_mode(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        with self.assertRaisesRegex(LabError, "no folder of a run"):
            containers.mode_of(str(folder))
        (folder / "manifest.json").write_text('{"mode": "multi"}')
        self.assertEqual(containers.mode_of(str(folder)), "multi")


class Needs(unittest.TestCase):
    def test_only_measuring_needs_the_runner(self) -> None:
        for words in (["bench"], ["bench-go", "--quick"], ["resume", "results/x"]):
            self.assertIn("bench", needs.of_recipe("containers", words))
        for words in ([], ["up"], ["logs-go"], ["down"], ["compose", "bench"]):
            self.assertNotIn("bench", needs.of_recipe("containers", words))


if __name__ == "__main__":
    unittest.main()
