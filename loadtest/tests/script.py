"""What the tests of the load script share: running a real k6 against the fake service."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from fake_service import Data, write_expected

SCRIPT = Path(__file__).parent.parent / "scripts" / "main.js"
USERS = 130  # three pages, the last one not full
CLOSED = {"executor": "constant-vus", "warmup_s": 1, "measure_s": 1, "vus": 2, "think_time_ms": 5, "mix": {"user": 3, "users": 1}}


class ScriptTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.console = self.folder / "console"
        self.data = Data(USERS)

    def k6(self, url, profile=CLOSED, arguments=(), **env):
        """Runs k6; returns the process and the summary, None where there is none."""
        summary = self.folder / "summary.json"
        summary.unlink(missing_ok=True)
        settings = {
            "BENCH_BASE_URL": url,
            "BENCH_USERS": str(USERS),
            "BENCH_SUMMARY": str(summary),
            "BENCH_PROFILE": json.dumps(profile) if profile else "",
            **env,
        }
        command = [os.environ.get("K6", "k6"), "run", "--quiet", "--no-usage-report", "--address", "", *arguments]
        for name, value in settings.items():
            command += ["-e", f"{name}={value}"]
        process = subprocess.run([*command, str(SCRIPT)], capture_output=True, text=True, timeout=60, check=False)
        return process, json.loads(summary.read_text()) if summary.exists() else None

    def recorded(self, url, profile=CLOSED, **env):
        """The same with a record, whose lines are in self.console."""
        self.console.unlink(missing_ok=True)
        arguments = (f"--console-output={self.console}", "--log-format=raw")
        return self.k6(url, profile, arguments, BENCH_RECORD="1", **env)

    def expected(self):
        path = self.folder / "expected.json"
        write_expected(path, self.data)
        return str(path)
