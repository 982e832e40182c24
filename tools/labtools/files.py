"""Files that are either whole or not there, whatever interrupts us."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .say import say

PARTIAL = ".partial-"


@contextmanager
def locked(lock: Path, what: str) -> Iterator[int]:
    """Holds `lock` for the block, so that two starts do not set up the same thing.

    Yields the descriptor: a child that inherits it keeps the lock should this process be killed.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another ./lab, which is setting up {what}")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def whole_folder(final: Path) -> Iterator[Path]:
    """A folder to fill, renamed to `final` when the block ends well and removed when it does not.

    To be called under a lock: it first sweeps what a killed start left beside `final`.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    for left in final.parent.glob(f"{PARTIAL}{final.name}-*"):
        shutil.rmtree(left)
    partial = Path(tempfile.mkdtemp(prefix=f"{PARTIAL}{final.name}-", dir=final.parent))
    try:
        yield partial
        partial.chmod(0o755)
        partial.rename(final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def write_whole(path: Path, text: str) -> None:
    """Writes `text` under a temporary name, syncs and renames it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f"{PARTIAL}{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def place(source: Path, target: Path) -> None:
    """Puts the program `source` at `target` in one step: a hard link where possible, else a copy."""
    if target.exists() and os.path.samestat(source.stat(), target.stat()):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=target.parent) as folder:
        fresh = Path(folder) / target.name
        try:
            os.link(source, fresh)
        except OSError:
            shutil.copy2(source, fresh)
        fresh.replace(target)
