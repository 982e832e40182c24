"""What is refused before anything is measured: one clear error, the documented exit code, nothing stored."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from labtest.lab import TestLab
from labtest.programs import Done, expect, run
from labtest.results import only_run, stored

HERE = Path(__file__).resolve().parent
USAGE, LIMITS, CONTRACT = 2, 3, 4
# What stands before the message of an error; its causes have another mark.
ERROR_MARK = "\N{MULTIPLICATION SIGN}"
RUN = ("run", "--mode", "single", "--profile", "quick", "--repetitions", "1", "-t", "go")


def one_error(done: Done, *words: str) -> None:
    """The error is said once, has these words, and is neither a panic nor a trace."""
    # Long messages are wrapped, also at hyphens, with a bar before each line.
    text = re.sub(r"[\s│]+", "", done.err)
    for word in words:
        expect(word.replace(" ", "") in text, f"the error does not say {word!r}")
    expect("panicked" not in done.err and "RUST_BACKTRACE" not in done.err, "a panic instead of an error")
    expect(done.err.count(ERROR_MARK) == 1, f"expected one error, got {done.err.count(ERROR_MARK)}")


def refused(lab: TestLab, *words: str, code: int = USAGE, command: tuple[str, ...] = RUN) -> None:
    """The run is refused, and leaves no results."""
    results = lab.path.parent / "results"
    one_error(run(*lab.bench(*command, "--out", str(results)), codes=[code]), *words)
    expect(not results.exists() or not any(results.iterdir()), "results of a run that was refused")


def unknown_key(lab: TestLab) -> None:
    """A key that nobody reads: named with file and line, and the nearest one that exists."""
    lab.change("repetitions = 10 ", "repetitons = 10 ")
    line = lab.text[: lab.text.index("repetitons")].count("\n") + 1
    refused(lab.write(), "repetitons", f"lab.toml:{line}", "did you mean `repetitions`?")


def non_dividing_pool(lab: TestLab) -> None:
    """Connections that do not divide by the worker processes: never rounded."""
    lab.change("workers = 4\ndb_connections = 40\n", "workers = 4\ndb_connections = 41\n")
    refused(lab.write(), "41 db_connections do not divide by 4 processes", "lab.toml:")


def missing_program(lab: TestLab) -> None:
    """A program of the inventory that is not there, and one that it does not name."""
    for name in ("k6", "postgres", "psql"):
        path = lab.inventory["programs"][name]["path"]
        lab.inventory["programs"][name]["path"] = f"/nonexistent/{name}"
        refused(lab.write(), f"/nonexistent/{name}")
        lab.inventory["programs"][name]["path"] = path
    del lab.inventory["programs"]["k6"]
    refused(lab.write(), "k6", "./lab")


def service_not_built(lab: TestLab) -> None:
    """A target whose program is not there."""
    lab.change('command = ["bin/go-api"]', 'command = ["bin/nobody-built-this"]')
    lab.change('version_command = ["bin/go-api", "--version"]', 'version_command = ["bin/nobody-built-this", "--version"]')
    refused(lab.write(), "go is not built", "bench build go")


def unknown_names(lab: TestLab) -> None:
    """Targets, modes, profiles and rules of the contract that do not exist."""
    refused(lab, "gop", "did you mean `go`?", command=(*RUN[:-1], "gop"))
    refused(lab, "singel", "did you mean `single`?", command=("run", "--mode", "singel"))
    refused(lab, "quik", "did you mean `quick`?", command=("run", "--profile", "quik"))
    one_error(run(*lab.bench("contract", "go", "--only", "no-such-rule"), codes=[USAGE]), "no-such-rule")
    one_error(run(*lab.bench("contract", "go", "--behaviour", "--only", "no-such-rule"), codes=[USAGE]), "no-such-rule")


def filters(lab: TestLab) -> None:
    """A filter of the contract that fits rules or behaviours alone leaves the other suite out."""
    for only, suite in (("users.limit", "standard"), ("role.read-only", "behaviour")):
        said = run(*lab.bench("contract", "go", "--behaviour", "--only", only)).out
        expect(said.count("suite `") == 1 and f"suite `{suite}`" in said, f"{only} did not run the suite {suite} alone")


def port_taken(lab: TestLab) -> None:
    """A port of `bench up` that somebody else uses. (A benchmark takes a free one.)"""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        lab.change("port = 8080 ", f"port = {port} ")
        one_error(run(*lab.write().bench("up", "go"), codes=[USAGE]), str(port))
        expect("nothing is up" in run(*lab.bench("down")).err, "something stayed up")


def wrong_contract(lab: TestLab) -> None:
    """A service that answers otherwise: the first difference is shown, nothing is measured."""
    lab.add(
        f"""
[targets.wrong]
title = "answers everything alike"
dir = "{HERE}"
command = ["{sys.executable}", "wrong_service.py", "{{port}}"]
port = 65000
workers = "threads"
[targets.wrong.env]
DATABASE_URL = "{{database_url}}"
POOL = "{{pool_size}}"
"""
    )
    results = lab.path.parent / "results"
    done = run(*lab.write().bench(*RUN, "-t", "wrong", "--out", str(results)), codes=[CONTRACT])
    one_error(done, "wrong does not keep the contract", "first difference", "bench contract wrong")
    expect(not stored(only_run(results)), "something was measured")


def too_few_cpus(lab: TestLab) -> None:
    """A mode that wants more CPUs than there are: refused with the way out; allowed, it runs and is marked."""
    cpus = os.cpu_count() or 1
    lab.add(
        f"\n[modes.vast]\ncpus = {cpus + 1}\nworkers = 1\ndb_connections = 30\npostgres_cpus = 1\nload_cpus = 1\n",
    )
    refused(lab.write(), f"{cpus + 1} CPUs", "--allow-oversubscribed", code=LIMITS, command=("run", "--mode", "vast", "-t", "go"))


def two_runners(lab: TestLab) -> None:
    """While one runs, a second is refused and names the first: its process, its run and since when."""
    results = lab.path.parent / "results"
    first = subprocess.Popen(lab.bench(*RUN, "--out", str(results)), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert first.stderr is not None
        # The lock is taken before Postgres starts, which is said first; the contract is checked much later.
        while "contract" not in (line := first.stderr.readline()):
            expect(bool(line), "the first runner ended early")
        for command in (RUN, ("contract", "go")):
            one_error(run(*lab.bench(*command), codes=[USAGE]), "another bench is running", f"process {first.pid}", " since 2")
    finally:
        first.terminate()
        first.communicate()
    expect(first.returncode == 130, f"the first runner ended with {first.returncode}")
