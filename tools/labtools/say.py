"""What the bootstrap tells people: on stderr, so that a program's own output stays clean."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

USAGE = 2
INTERRUPTED = 130


class LabError(Exception):
    """One line for people: what was wrong, where, what to do. Ends `./lab` with `code`."""

    def __init__(self, message: str, code: int = USAGE) -> None:
        super().__init__(message)
        self.code = code


def say(message: str) -> None:
    """One progress line."""
    print(f"lab: {message}", file=sys.stderr, flush=True)


@contextmanager
def say_if_slow(message: str, after_s: float = 1.5) -> Iterator[None]:
    """Says `message` only when the block takes longer than `after_s` seconds."""
    timer = threading.Timer(after_s, say, [message])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def run(command: list[str], failed: str, *, env: dict[str, str], cwd: str | os.PathLike[str] | None = None) -> None:
    """Runs a program with its output on stderr; `failed` is the error line when it does not end with 0."""
    try:
        done = subprocess.run(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    except OSError as error:
        raise LabError(f"{failed}: {command[0]}: {error.strerror}.") from error
    if done.returncode != 0:
        raise LabError(f"{failed} ({command[0]} ended with {done.returncode}; its words are above).")
