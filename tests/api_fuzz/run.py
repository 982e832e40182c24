"""schemathesis over openapi.yaml on every service: requests that nobody thought of, right and wrong ones.

The contract suite says byte for byte what is right, for requests that somebody thought of. Here every answer must be one
that openapi.yaml documents, and never a server error; each service gets the same requests, from one seed.

Needs `bench`, schemathesis and all services, as ./lab sets them up. With BENCH_TEST_LONG=1 at least 10,000 cases a service.

    tests/api_fuzz/run.py [--seed N] [TARGET...]
"""

import argparse
import os
import re
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from labtest.lab import ROOT, TestLab
from labtest.programs import expect, run

TARGETS = {"go": 8080, "python": 8081, "rust-sqlx": 8082, "rust-tokio-postgres": 8083}
LONG = os.environ.get("BENCH_TEST_LONG") == "1"
# Per operation of openapi.yaml. Those without parameters have only a handful of different requests.
EXAMPLES = 3000 if LONG else 60
LEAST_CASES = 10_000 if LONG else 200
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "positive_data_acceptance",
    "unsupported_method",
    "allow_header_conformance",
)


def free_ports(lab: TestLab) -> None:
    """Gives each target a port that is free, so that what is up already may stay up."""
    with ExitStack() as stack:
        for port in TARGETS.values():
            free = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            lab.change(f"port = {port}", f"port = {free}")
    lab.write()


def cases(said: str) -> int:
    """How many test cases schemathesis sent, by its own words."""
    found = re.search(r"(\d+) generated", said)
    return int(found[1]) if found else 0


def main() -> None:
    """The whole test."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", default=list(TARGETS))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-api-fuzz-") as name:
        lab = TestLab(Path(name, "lab"))
        free_ports(lab)
        # One after the other, as in a benchmark: each has the machine and the database for itself.
        for target in options.targets:
            up = run(*lab.bench("up", target)).out
            addresses = dict(line.split() for line in up.splitlines() if "http://" in line)
            expect(set(addresses) == {target}, f"up are {sorted(addresses)}")
            try:
                fuzz(target, addresses[target], options.seed, Path(name))
            finally:
                run(*lab.bench("down"))


def fuzz(target: str, url: str, seed: int, folder: Path) -> None:
    """One service. schemathesis leaves files in its working folder."""
    started = time.monotonic()
    done = run(
        "schemathesis", "run", str(ROOT / "api-contract" / "openapi.yaml"), "--url", url,
        "--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES),
        "--seed", str(seed), "--request-timeout", "30", "--continue-on-failure", "--no-color", "--warnings", "off",
        cwd=folder,
    )  # fmt: skip
    sent = cases(done.out)
    expect(sent >= LEAST_CASES, f"only {sent} cases for {target}")
    print(f"{target}: {sent} cases, seed {seed}, {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
