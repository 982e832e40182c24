"""Where things are: the tree, its own .lab folder, and the cache that all clones share."""

import os
import stat
from pathlib import Path

from .say import LabError

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / ".lab"
BIN = LAB / "bin"


def cache_path() -> Path:
    """`$BENCH_CACHE`, or the usual place for this user; perhaps not there yet."""
    if chosen := os.environ.get("BENCH_CACHE"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/bench-frameworks")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bench-frameworks"


def cache_dir() -> Path:
    """The cache, made when it is not there."""
    cache = cache_path()
    try:
        cache.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(f"cannot make the cache folder {cache}: {error.strerror}. Name another one in BENCH_CACHE.") from error
    if os.geteuid() == 0:
        _require_open_to_all(cache)
    return cache


def _require_open_to_all(cache: Path) -> None:
    """PostgreSQL refuses root, so root runs it as another user: who must be able to reach the programs."""
    for folder in (cache, *cache.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            raise LabError(
                f"the cache folder {cache} cannot be reached by an unprivileged user, as PostgreSQL must: "
                f"chmod o+x {folder}, or name another folder in BENCH_CACHE."
            )


def cargo_target() -> Path:
    """Cargo's build folder: shared by all clones, so that polars is built once a machine."""
    chosen = os.environ.get("CARGO_TARGET_DIR")
    return Path(chosen).absolute() if chosen else cache_dir() / "target"
