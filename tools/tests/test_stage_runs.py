"""Stages pass, fail and are skipped for the reasons they should; the closing line is the one CI reads."""

import contextlib
import io
import shutil
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

import run_tests
from labtools import stage as stages
from labtools.stage import Result, Stage
from test_stages import STAGES

PYTHON = sys.executable


class Stages(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        self.folder = Path(folder)
        for module in (stages,):
            patch = mock.patch.multiple(module, LOGS=self.folder / "logs")
            patch.start()
            self.addCleanup(patch.stop)

    def run_code(self, code: str, **more: object) -> Result:
        stage = Stage("try", "unit", ((PYTHON, "-c", code),), **more)  # type: ignore[arg-type]
        with mock.patch.object(stages, "ROOT", self.folder):
            return stages.run_stage(stage, install=False, own_setup=False)

    def test_passed(self) -> None:
        result = self.run_code("print('fine')")
        self.assertEqual((result.outcome, result.reason), ("passed", ""))
        self.assertIn("fine", result.log.read_text())

    def test_failed(self) -> None:
        result = self.run_code("raise SystemExit(3)")
        self.assertEqual(result.outcome, "failed")
        self.assertIn("ended with 3", result.reason)

    def test_skipped_by_the_program(self) -> None:
        result = self.run_code("print('no KVM here\\n'); raise SystemExit(77)")
        self.assertEqual((result.outcome, result.reason), ("skipped", "no KVM here"))

    def test_skipped_by_the_registry(self) -> None:
        result = self.run_code("raise SystemExit(1)", skip=lambda: "not today")
        self.assertEqual((result.outcome, result.reason), ("skipped", "not today"))

    def test_missing_package_is_named(self) -> None:
        result = self.run_code("", packages={"no-such-program": "no-such-package"})
        self.assertEqual((result.outcome, result.reason), ("skipped", "not installed: no-such-program"))

    def test_missing_program_fails(self) -> None:
        stage = Stage("try", "unit", (("no-such-program",),))
        self.assertEqual(stages.run_stage(stage, install=False, own_setup=False).outcome, "failed")

    def test_output_fails_a_quiet_stage(self) -> None:
        self.assertEqual(self.run_code("print('main.go')", quiet=True).outcome, "failed")
        self.assertEqual(self.run_code("", quiet=True).outcome, "passed")

    def test_time_is_up_for_the_whole_group(self) -> None:
        mark = self.folder / "mark"
        child = f"import time; time.sleep(2); open({str(mark)!r}, 'w')"
        result = self.run_code(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])", minutes=0.5 / 60)
        self.assertEqual(result.outcome, "failed")
        self.assertIn("time is up", result.reason)
        time.sleep(2.5)
        self.assertFalse(mark.exists(), "a grandchild lived on")

    def run_all(self, *codes: int) -> tuple[int, list[str]]:
        some = [Stage(f"s{code}", "unit", ((PYTHON, "-c", f"raise SystemExit({code})"),)) for code in codes]
        with (
            contextlib.redirect_stdout(io.StringIO()) as out,
            mock.patch.object(stages, "ROOT", self.folder),
            mock.patch.dict("os.environ", {"BENCH_SETUP": ""}),
        ):
            return run_tests.run_all(some, install=False), out.getvalue().splitlines()

    def test_closing_line(self) -> None:
        code, lines = self.run_all(0, 1, 77)
        self.assertEqual((code, lines[-1]), (1, "1 passed, 1 failed, 1 skipped"))
        code, lines = self.run_all(0, 0)
        self.assertEqual((code, lines[-1]), (0, "2 passed, 0 failed, 0 skipped"))

    def test_unknown_stage(self) -> None:
        with self.assertRaises(SystemExit) as ended, contextlib.redirect_stderr(io.StringIO()):
            run_tests.main(["no-such-stage"])
        self.assertEqual(ended.exception.code, 2)

    def test_names_are_unique(self) -> None:
        names = [stage.name for stage in STAGES]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main()
