"""Runs in the guest: the script of a VM test, with this very machine as `machine`."""
# ruff: noqa: ARG002 (the signatures are the driver's)

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from driver import Machine
from driver import subtest as heading


class Failed(AssertionError):
    """A command did not end as it must."""


class ThisMachine(Machine):
    """The driver's methods by local commands, with the driver's shell options."""

    def execute(self, command: str, check_return: bool = True, check_output: bool = True, timeout: int | None = 900) -> tuple[int, str]:
        done = subprocess.run(["bash", "-c", f"set -euo pipefail; {command}"], capture_output=True, text=True, timeout=timeout, check=False)
        self.said = done.stderr[-3000:]
        return done.returncode, done.stdout

    def succeed(self, *commands: str, timeout: int | None = None) -> str:
        output = ""
        for command in commands:
            code, out = self.execute(command, timeout=timeout)
            if code != 0:
                raise Failed(f"`{command}` ended with {code}\n{out[-3000:]}\n{self.said}")
            output += out
        return output

    def wait_until_succeeds(self, command: str, timeout: int = 900) -> str:
        end = time.monotonic() + timeout
        while True:
            code, out = self.execute(command, timeout=timeout)
            if code == 0:
                return out
            if time.monotonic() > end:
                raise Failed(f"`{command}` did not succeed in {timeout} s: {self.said}")
            time.sleep(1)

    def start(self) -> None:
        """It runs already."""

    def wait_for_unit(self, unit: str, user: str | None = None, timeout: int = 900) -> None:
        end = time.monotonic() + timeout
        while (state := self.get_unit_property(unit, "ActiveState")) != "active":
            if state == "failed" or time.monotonic() > end:
                raise Failed(f"{unit} is {state}: " + self.execute(f"journalctl -u {unit} -o cat -n 30")[1])
            time.sleep(0.5)

    def wait_for_open_port(self, port: int, addr: str = "localhost", timeout: int = 900) -> None:
        self.wait_until_succeeds(f"exec 3<>/dev/tcp/127.0.0.1/{port}", timeout)

    def get_unit_property(self, unit: str, property: str, user: str | None = None) -> str:
        line = self.succeed(f"systemctl --no-pager show {unit} --property={property}").strip()
        match = re.fullmatch(r"([^=]+)=(.*)", line)
        assert match and match[1] == property, line
        return match[2]


class Subtest:
    """Says what is being tested, and how long it took here (an emulated machine: the figure means nothing)."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self.began = time.monotonic()
        self.inner = heading(self.name)
        self.inner.__enter__()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.inner.__exit__(kind, error, trace)
        print(f"SUBTEST {'ok' if kind is None else 'FAILED'} {self.name} ({time.monotonic() - self.began:.0f} s)", flush=True)


def main() -> int:
    """Exit code of the whole test."""
    text = Path("/vm/script.py").read_text()
    overrides = json.loads(Path("/vm/overrides.json").read_text())
    names: dict[str, Any] = {"machine": ThisMachine(), "subtest": Subtest, "OVERRIDES": overrides}
    # Right after the facts: what an emulated machine must do less of.
    first, rest = re.split(r"(?<=\n)(?=# Smoke test)", text, maxsplit=1)
    exec(compile(first, "facts", "exec"), names)
    names["FACTS"].update(overrides)
    exec(compile(rest, "testScript", "exec"), names)
    return 0


if __name__ == "__main__":
    sys.exit(main())
