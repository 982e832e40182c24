"""One stage of the tests, and how it is run."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from .paths import LAB, ROOT
from .say import LabError
from .setup import prepare

LOGS = LAB / "test"
SKIPPED = 77
"""A test program that ends with this code is skipped; its last line of output is the reason."""

Kind = Literal["format", "lint", "unit", "system"]
Outcome = Literal["passed", "failed", "skipped"]


def never() -> None:
    """The stage is never skipped."""


@dataclass(frozen=True)
class Stage:
    """A stage: commands that must all end with 0, run from the root of the tree."""

    name: str
    kind: Kind
    commands: tuple[tuple[str, ...], ...]
    needs: frozenset[str] = frozenset()
    """What to set up, as in labtools/needs.py."""
    skip: Callable[[], str | None] = never
    """The reason to skip it on this machine, or None."""
    packages: Mapping[str, str] = field(default_factory=dict)
    """Program -> the Debian package that brings it, installed when we are root on such a system."""
    env: Mapping[str, str] = field(default_factory=dict)
    """More variables for the commands."""
    minutes: float = 10
    """The stage is stopped and has failed when it takes longer, set-up included."""
    quiet: bool = False
    """Any output is a failure (gofmt -l)."""


@dataclass(frozen=True)
class Result:
    """How a stage ended."""

    stage: Stage
    outcome: Outcome
    seconds: float
    reason: str = ""

    @property
    def log(self) -> Path:
        """Everything the stage printed."""
        return log_of(self.stage)


def log_of(stage: Stage) -> Path:
    """Where the stage's output goes."""
    return LOGS / f"{stage.name}.log"


class SkipStage(Exception):
    """Ends a stage as skipped; the message is the reason."""


class FailStage(Exception):
    """Ends a stage as failed; the message is the reason."""


def run_stage(stage: Stage, *, install: bool, own_setup: bool) -> Result:
    """Runs one stage, with its output in its log.

    `own_setup`: ./lab sets up what it needs; otherwise (Nix) PATH already has it.
    """
    started = time.monotonic()
    LOGS.mkdir(parents=True, exist_ok=True)
    outcome: Outcome = "passed"
    reason = ""
    with log_of(stage).open("wb") as log, still_running(stage, started):
        try:
            _run(stage, log, started + stage.minutes * 60, install=install, own_setup=own_setup)
        except SkipStage as skip:
            outcome, reason = "skipped", str(skip)
        except (FailStage, LabError) as failure:
            outcome, reason = "failed", str(failure)
    return Result(stage, outcome, time.monotonic() - started, reason)


def _run(stage: Stage, log: IO[bytes], deadline: float, *, install: bool, own_setup: bool) -> None:
    if reason := stage.skip():
        raise SkipStage(reason)
    env = dict(os.environ)
    if own_setup:
        with stderr_into(log):
            env = prepare(stage.needs)
    bring_packages(stage.packages, env, log, install=install)
    env |= {"CARGO_TERM_COLOR": "never", "NO_COLOR": "1", "TERM": "dumb"} | dict(stage.env)
    for command in stage.commands:
        log.write(f"$ {' '.join(command)}\n".encode())
        log.flush()
        start = log.tell()
        code = run_within(command, env, log, deadline - time.monotonic())
        end = log.seek(0, os.SEEK_END)
        if code == SKIPPED:
            raise SkipStage(last_line(log_of(stage)) or "the test program gave no reason")
        if code != 0:
            raise FailStage(f"`{shown(command)}` ended with {code}")
        if stage.quiet and end > start:
            raise FailStage(f"`{shown(command)}` named files")


def shown(command: tuple[str, ...]) -> str:
    """The command for people, without this tree's own path."""
    return " ".join(command).replace(f"{ROOT}/", "")


def run_within(command: tuple[str, ...], env: dict[str, str], log: IO[bytes], seconds: float) -> int:
    """Runs a command in a process group of its own and ends all of that group when time is up."""
    program = shutil.which(command[0], path=env["PATH"]) or command[0]
    try:
        child = subprocess.Popen(
            [program, *command[1:]], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    except OSError as error:
        raise FailStage(f"{command[0]} does not start: {error.strerror}") from error
    try:
        return child.wait(timeout=max(seconds, 0))
    except subprocess.TimeoutExpired:
        raise FailStage(f"`{shown(command)}` was stopped: the stage's time is up") from None
    finally:
        if child.poll() is None:
            end_group(child)


def end_group(child: "subprocess.Popen[bytes]") -> None:
    """Asks the group to end, then ends it."""
    os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(timeout=15)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def bring_packages(packages: Mapping[str, str], env: dict[str, str], log: IO[bytes], *, install: bool) -> None:
    """Installs the Debian packages of missing programs, or skips the stage with the reason."""
    missing = {program: package for program, package in packages.items() if not shutil.which(program, path=env["PATH"])}
    if not missing:
        return
    names = " ".join(sorted(missing))
    if not install:
        raise SkipStage(f"not installed: {names}")
    if os.geteuid() != 0 or not shutil.which("apt-get", path=env["PATH"]):
        raise SkipStage(f"not installed, and not root on a Debian-like system to do so: {names}")
    env = env | {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    for command in ([*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", *sorted(set(missing.values()))]):
        log.write(f"$ {' '.join(command)}\n".encode())
        log.flush()
        if subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False).returncode != 0:
            raise SkipStage(f"apt-get could not install: {names}")


def last_line(path: Path) -> str:
    """The last line with something in it."""
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


@contextmanager
def stderr_into(log: IO[bytes]) -> Iterator[None]:
    """The set-up's progress goes to the log, its children's too."""
    sys.stderr.flush()
    kept = os.dup(2)
    os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def still_running(stage: Stage, started: float, every_s: float = 60) -> Iterator[None]:
    """One line a minute for whoever waits."""
    done = threading.Event()

    def tell() -> None:
        while not done.wait(every_s):
            minutes = (time.monotonic() - started) / 60
            print(f"    {stage.name}: {minutes:.0f} min so far; log: {log_of(stage).relative_to(ROOT)}", flush=True)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
