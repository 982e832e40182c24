"""What goes wrong while a run is going on: an invalid repetition with its reason, or one clear error; nothing is lost."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from labtest.lab import TestLab
from labtest.programs import expect, run
from labtest.results import only_run, repetitions, runs, stored
from labtest.sessions import children, environment, members, wait_clean, wait_for
from refused import LIMITS, USAGE, one_error

OK, SOME_INVALID = 0, 1
VALID_OR_DISTURBED = (OK, SOME_INVALID)
NOBODY = 65534
HERE = Path(__file__).resolve().parent
# Longer than anything here takes on a busy machine.
PATIENCE_S = 120.0
CLEAN_S = 20.0


class Skipped(Exception):
    """The case cannot be tried here; the message says why."""


class Running:
    """A `bench run` of the target go, with something done to it on the way."""

    started: ClassVar[list["subprocess.Popen[bytes]"]] = []

    def __init__(
        self, lab: TestLab, blocks: int, results: Path | None = None, *, wrapper: tuple[str, ...] = (), more: tuple[str, ...] = ()
    ):
        self.results = results or lab.path.parent / "results"
        self.log = lab.path.parent / "bench.log"
        self.lab = lab
        arguments = ("run", "--mode", "single", "--profile", "quick", "-t", "go", "--repetitions", str(blocks), "--out", str(self.results))
        self.command = [*wrapper, *lab.bench(*arguments, *more)]

    def start(self, env: dict[str, str] | None = None) -> "Running":
        """Starts it."""
        print(f"$ {' '.join(self.command)} &", flush=True)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        self.started.append(self.process)
        return self

    @classmethod
    def end_all(cls) -> None:
        """Ends what a case that failed has left running."""
        while cls.started:
            process = cls.started.pop()
            process.terminate()
            process.wait()

    def when(self, what: str, holds: Callable[[], Any]) -> Any:
        """Waits until it holds while the run is going on."""
        value = wait_for(lambda: holds() or self.process.poll() is not None, PATIENCE_S, 0.02)
        if self.process.poll() is not None or not value:
            print(self.log.read_text(), flush=True)
            expect(False, f"{what} never came: bench ended with {self.process.poll()}")
        return value

    def stored(self) -> dict[str, str]:
        """What is stored so far."""
        found = runs(self.results)
        return stored(found[0]) if found else {}

    def under_load(self, block: int) -> None:
        """Waits until the load of this block has been going on for a moment."""
        self.when(f"the load of block {block}", lambda: len(self.stored()) == block - 1 and members(self.process.pid, "k6"))
        # k6 needs about a second to start; the load takes three.
        time.sleep(2.0)

    def kill(self, group: str) -> None:
        """kill -9 of the first process of a group."""
        os.kill(members(self.process.pid, group)[0], signal.SIGKILL)
        print(f"killed the first process of {group}", flush=True)

    def ended(self, *codes: int) -> str:
        """Waits for its end; what it said. Nothing of it may be left."""
        code = self.process.wait(PATIENCE_S)
        text = self.log.read_text()
        print(text, flush=True)
        expect(code in codes, f"bench ended with {code}, expected one of {list(codes)}")
        left = wait_clean(self.process.pid, CLEAN_S)
        expect(not left, f"left behind: {left}")
        return text


def reasons(run_folder: Path) -> list[set[str]]:
    """The codes of why each repetition is invalid, in order."""
    return [{reason["code"] for reason in repetition["reasons"]} for repetition in repetitions(run_folder)]


def resumed(lab: TestLab, run_folder: Path, before: dict[str, str], planned: int) -> None:
    """The run goes on to its end; what was stored stays as it was, and all of it is valid as a file."""
    run(*lab.bench("resume", str(run_folder)), codes=VALID_OR_DISTURBED)
    after = stored(run_folder)
    changed = [path for path, text in before.items() if after.get(path) != text]
    expect(not changed, f"lost or changed by the resume: {changed}")
    expect(len(after) == planned, f"{len(after)} of {planned} repetitions are stored")
    run(*lab.bench("validate", str(run_folder)))


def crashes(lab: TestLab) -> None:
    """The service, k6 and a backend of Postgres die, each in its block: invalid with its reason, and the run goes on."""
    going = Running(lab, 4).start()
    secrets: set[str] = set()
    for block, group in enumerate(("service", "k6"), 1):
        going.under_load(block)
        url = environment(members(going.process.pid, "service")[0])["DATABASE_URL"]
        secrets |= {url, str(urlsplit(url).password)}
        going.kill(group)
    going.under_load(3)
    # One backend dies of SIGKILL: Postgres ends all of them and recovers; its first process stays.
    os.kill(backend_of_the_service(going.process.pid), signal.SIGKILL)
    going.ended(SOME_INVALID)
    folder = only_run(going.results)
    found = reasons(folder)
    expect(len(found) == 4, f"{len(found)} of 4 repetitions are stored")
    for block, code in enumerate(("service_ended", "k6"), 1):
        expect(code in found[block - 1], f"block {block} has the reasons {found[block - 1]}, not {code}")
    expect(bool(found[2]), "the block in which Postgres lost all its connections is valid")
    expect(not found[3] & {"failed", "service_ended", "k6", "contract", "no_record"}, f"the last block was not left alone: {found[3]}")
    for repetition in repetitions(folder):
        expect(all(reason["message"].strip() for reason in repetition["reasons"]), "a reason without words")
    shows_no_secret(secrets, going.log, *(path for path in going.results.rglob("*") if path.is_file()))
    run(*lab.bench("validate", str(folder)))


def shows_no_secret(secrets: set[str], *files: Path) -> None:
    """No file has the database's URL or password in it: not what bench printed, no log, no result."""
    expect(len(secrets) >= 2 and all(len(secret) >= 16 for secret in secrets), "there is no secret to look for")
    for file in files:
        content = file.read_bytes()
        for secret in secrets:
            expect(secret.encode() not in content, f"{file} shows the password of the database or its URL")


def backend_of_the_service(owner: int) -> int:
    """A process of Postgres that serves one of the service's connections."""
    for pid in children(members(owner, "postgres")[0]):
        title = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        if "bench_api" in title:
            return pid
    raise AssertionError("Postgres has no connection of the service")


def postgres_killed(lab: TestLab) -> None:
    """Postgres dies in the second block: the run ends with one error, and goes on with a new Postgres."""
    going = Running(lab, 2).start()
    going.under_load(2)
    before = going.stored()
    going.kill("postgres")
    text = going.ended(USAGE)
    expect("Postgres ended" in text and "bench resume" in text, "the error does not say what happened and how to go on")
    expect(len(before) == 1, "the first block was not stored")
    resumed(lab, only_run(going.results), before, 2)


def full_disk(lab: TestLab) -> None:
    """The disk of the results fills up in the second block: one error; with room again the run goes on."""
    with Disk("64m") as disk:
        results = disk / "results"
        going = Running(lab, 2, results).start()
        going.when("the first repetition", going.stored)
        before = going.stored()
        fill(disk / "filler")
        text = going.ended(USAGE, SOME_INVALID)
        if going.process.returncode == USAGE:
            expect("No space left on device" in text, "the error does not say that the disk is full")
            expect(str(results) in text, "the error does not say which file")
        else:
            expect(all(reasons(only_run(results))[1:]), "a repetition without room for its record is valid")
        (disk / "filler").unlink()
        resumed(lab, only_run(results), before, 2)


def read_only_results(lab: TestLab) -> None:
    """A folder of results that cannot be written to: one error, before anything runs."""
    with Disk("8m") as disk:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        one_error(run(*Running(lab, 1, disk / "results").command, codes=[USAGE]), str(disk), "Read-only file system")


def clock_jump(lab: TestLab) -> None:
    """The wall clock jumps by an hour, back and then forth: these repetitions are invalid, and the run goes on."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Skipped("no C compiler for the faked clock")
    # Time enough between two repetitions to set the clock right again.
    lab.change("cooldown_s = 0.5 ", "cooldown_s = 2 ")
    lab.write()
    folder = lab.path.parent
    library, jump = folder / "clock.so", folder / "jump"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(HERE / "clock.c")], check=True)
    for seconds in ("-3600", "3600"):
        going = Running(lab, 2, folder / f"results{seconds}")
        going.start(os.environ | {"LD_PRELOAD": str(library), "CLOCK_JUMP": str(jump), "CLOCK_JUMP_S": seconds})
        going.under_load(1)
        jump.touch()
        going.when("the first repetition", going.stored)
        jump.unlink()
        going.ended(SOME_INVALID)
        found = reasons(only_run(going.results))
        expect("clock_step" in found[0], f"a jump of {seconds} s was not noticed: {found[0]}")
        expect("clock_step" not in found[1], "a jump was noticed after it had ended")
        run(*lab.bench("validate", str(only_run(going.results))))


def oversubscribed(lab: TestLab) -> None:
    """More CPUs than there are, allowed: the run is marked."""
    lab.add(
        f"\n[modes.vast]\ncpus = {(os.cpu_count() or 1) + 1}\nworkers = 1\ndb_connections = 30\npostgres_cpus = 1\nload_cpus = 1\n",
    )
    going = Running(lab.write(), 1, more=("--mode", "vast", "--allow-oversubscribed"))
    going.command = [word for i, word in enumerate(going.command) if word != "single" and going.command[i : i + 2] != ["--mode", "single"]]
    going.start().ended(*VALID_OR_DISTURBED)
    marked(only_run(going.results), "oversubscribed")


def marked(folder: Path, mark: str) -> None:
    """Every repetition carries the mark."""
    found = repetitions(folder)
    expect(bool(found) and all(mark in repetition["flags"] for repetition in found), f"not marked {mark}")


def no_cgroup_rights(lab: TestLab) -> None:
    """A user who may not make cgroups: refused with the way out; allowed, it runs and is marked."""
    folder = lab.path.parent
    wrapper = unprivileged(folder)
    done = run(*Running(lab, 1, wrapper=wrapper).command, codes=[LIMITS])
    one_error(done, "no CPU quota can be enforced", "--allow-affinity-only", "bench doctor")
    expect(not (folder / "results").exists(), "results of a run that was refused")
    going = Running(lab, 1, wrapper=wrapper, more=("--allow-affinity-only",)).start()
    going.ended(*VALID_OR_DISTURBED)
    marked(only_run(going.results), "affinity_only")
    run(*lab.bench("validate", str(only_run(going.results))))


def unprivileged(folder: Path) -> tuple[str, ...]:
    """What to put before a command to run it without rights; the folder is given to that user."""
    if os.geteuid() != 0:
        return ()
    wrapper = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    if shutil.which("setpriv") is None:
        raise Skipped("no setpriv to become a user without rights")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    return wrapper


class Disk:
    """A small file system of its own."""

    def __init__(self, size: str):
        if os.geteuid() != 0:
            raise Skipped("mounting a small disk needs root")
        self.size = size

    def __enter__(self) -> Path:
        self.place = Path(tempfile.mkdtemp(prefix="bench-disk-"))
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", str(self.place)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            self.place.rmdir()
            raise Skipped(f"no tmpfs can be mounted: {done.stderr.strip()}")
        return self.place

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", str(self.place)], check=True)
        self.place.rmdir()


def fill(path: Path) -> None:
    """Writes until there is no room for a single byte."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
