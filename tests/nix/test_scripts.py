"""The scripts of the VM tests: compiled, linted, type-checked, and run against machines that answer right or wrong."""

import contextlib
import io
import json
import os
import py_compile
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import fake
import host
from driver import subtest

TESTS = {
    "single": "checks.x86_64-linux.single",
    "multi": "checks.x86_64-linux.multi",
    "three-machines": "checks.x86_64-linux.three-machines",
}
PRELUDE = "from driver import Machine, start_all, subtest  # noqa: F401\n"


class Script:
    """One test's script and the names of its machines, as evaluated."""

    def __init__(self, name: str) -> None:
        if name.startswith("bench-"):
            mode = name.removeprefix("bench-")
            done = host.expression(f"{{ text = lab.tests.benches.{mode}.testScript; nodes = lab.tests.benches.{mode}.nodes; }}")
            assert done.returncode == 0, done.stderr
            found = json.loads(done.stdout)
            self.text, self.nodes = found["text"], found["nodes"]
        else:
            self.text = host.evaluate(f"{TESTS[name]}.testScript")
            self.nodes = host.evaluate(f"{TESTS[name]}.nodes")

    def file(self, folder: Path) -> Path:
        """Written down, with the driver's names in front for the checkers."""
        path = folder / "script.py"
        machines = "".join(f"{node} = Machine()\n" for node in self.nodes)
        path.write_text(PRELUDE + machines + self.text)
        return path

    def run(self, fault: str = "") -> fake.World:
        """Against fake machines; time does not pass."""
        names: dict[str, Any] = {"subtest": subtest}
        match = re.search(r"^FACTS: dict\[str, Any\] = (.*)$", self.text, re.MULTILINE)
        assert match
        scope: dict[str, Any] = {}
        exec("import json\nfacts = " + match[1], scope)
        world = fake.World(scope["facts"], fault)
        for node in self.nodes:
            names[node] = fake.FakeMachine(node, world)
        names["start_all"] = lambda: world.calls.append(("start_all", ""))
        with mock.patch.object(time, "sleep"), contextlib.redirect_stdout(io.StringIO()):
            exec(compile(self.text, "testScript", "exec"), names)
        return world


class Static(unittest.TestCase):
    """What the driver's own build would refuse, and more."""

    files: dict[str, Path]

    @classmethod
    def setUpClass(cls) -> None:
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.files = {}
        for name in (*TESTS, "bench-single", "bench-multi"):
            place = Path(folder, name)
            place.mkdir()
            cls.files[name] = Script(name).file(place)

    def test_compiles(self) -> None:
        for path in self.files.values():
            py_compile.compile(str(path), doraise=True)

    def test_pyflakes(self) -> None:
        """`F` of ruff is pyflakes."""
        if not shutil.which("ruff"):
            self.skipTest("ruff is not on PATH (./lab test puts it there)")
        for path in self.files.values():
            command = ["ruff", "check", "--isolated", "--select", "F,E9,B,PL", "--ignore", "PLR2004,PLR0915,B009", str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_mypy(self) -> None:
        if not shutil.which("mypy"):
            self.skipTest("mypy is not on PATH (./lab test puts it there)")
        for path in self.files.values():
            command = ["mypy", "--config-file=", "--strict", "--no-implicit-optional", "--cache-dir", os.devnull, str(path)]
            env = os.environ | {"MYPYPATH": str(Path(__file__).parent)}
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_mypy_knows_a_wrong_call(self) -> None:
        """So that a pass above means something."""
        if not shutil.which("mypy"):
            self.skipTest("mypy is not on PATH (./lab test puts it there)")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "script.py")
            path.write_text(PRELUDE + "machine = Machine()\nmachine.wait_for_unti('x')\n")
            command = ["mypy", "--config-file=", "--strict", "--cache-dir", os.devnull, str(path)]
            env = os.environ | {"MYPYPATH": str(Path(__file__).parent)}
            self.assertEqual(subprocess.run(command, env=env, capture_output=True, check=False).returncode, 1)


class Run(unittest.TestCase):
    """Each script goes to its end on a right system, and fails on each wrong one."""

    FAULTS = (
        "slice",
        "no quota",
        "cpuset",
        "cpus of service",
        "cpus of postgres",
        "memory",
        "one too many",
        "one too few",
        "pools",
        "contract",
        "wrong answer",
        "no request",
        "k6",
        "died",
        "result",
        "left connections",
        "no throttling",
        "quota not kept",
        "run",
        "validate",
        "kind",
        "limits",
        "shared",
        "left behind",
    )

    def test_modes(self) -> None:
        for name in ("single", "multi"):
            with self.subTest(name):
                script = Script(name)
                calls = script.run().calls
                said = "\n".join(what for _, what in calls)
                for target in ("go", "python", "rust-sqlx", "rust-tokio-postgres"):
                    unit = f"bench-api-{target}.service"
                    order = [said.index(f"{verb} {unit}") for verb in ("systemctl start", "systemctl stop")]
                    self.assertEqual(order, sorted(order))
                self.assertEqual(said.count("systemctl restart postgresql.service"), 4)
                self.assertIn("bench validate", said)

    def test_each_fault_is_found(self) -> None:
        for name in ("single", "multi"):
            script = Script(name)
            for fault in self.FAULTS:
                with self.subTest(name, fault=fault), self.assertRaises(AssertionError):
                    script.run(fault)

    def test_three_machines(self) -> None:
        script = Script("three-machines")
        self.assertEqual(sorted(script.nodes), ["database", "load", "service"])
        calls = script.run().calls
        self.assertEqual(sum(who == "database.succeed" and "contract --url" in what for who, what in calls), 4)
        for fault in ("one too many", "one too few", "contract", "wrong answer", "no request", "password", "left connections"):
            with self.subTest(fault), self.assertRaises(AssertionError):
                script.run(fault)

    def test_long_run_copies_results_also_when_it_fails(self) -> None:
        script = Script("bench-multi")
        with tempfile.TemporaryDirectory() as folder:
            status, arguments = Path(folder, "status"), Path(folder, "arguments")
            arguments.write_text("--quick\n-t\ngo\n")
            variables = {
                "BENCH_VM_STATUS": str(status),
                "BENCH_VM_ARGUMENTS": str(arguments),
                "BENCH_VM_ACCEL": "tcg",
                "BENCH_REVISION": "abc",
            }
            with mock.patch.dict(os.environ, variables):
                calls = script.run().calls
                self.assertEqual(status.read_text(), "0\n")
                said = "\n".join(what for _, what in calls)
                self.assertIn("BENCH_ACCEL=tcg\nBENCH_REVISION=abc", said)
                self.assertIn("--quick\n-t\ngo", said)
                self.assertEqual([what for who, what in calls if who == "machine.copy_from_machine"], ["/var/lib/bench/results/run-1/"])
                with self.assertRaises(AssertionError):
                    script.run("run")
                self.assertEqual(status.read_text(), "4\n")

    def test_defaults_without_the_app(self) -> None:
        """In a sandbox none of the app's variables is set."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")}
        with mock.patch.dict(os.environ, clean, clear=True):
            said = "\n".join(what for _, what in Script("bench-single").run().calls)
        self.assertIn("BENCH_ACCEL=kvm", said)
