"""Which Go: the system's when it is recent enough, else the pinned one."""

import re
import shutil
import subprocess
from pathlib import Path

from .paths import ROOT
from .pins import fetch

MODULES = ("go-api", "loadtest/bench/server")


def wanted() -> tuple[int, ...]:
    """The newest `go` line of our go.mod files."""
    lines = [re.search(r"^go (\S+)$", (ROOT / module / "go.mod").read_text(), re.MULTILINE) for module in MODULES]
    return max(number(line[1]) for line in lines if line)


def number(version: str) -> tuple[int, ...]:
    """`go1.26.8` or `1.26` as numbers; a release candidate counts as the version before its release."""
    digits = re.match(r"(?:go)?(\d+)\.(\d+)(?:\.(\d+)|(rc|beta)\d+)?", version)
    if not digits:
        return (0,)
    patch = -1 if digits[4] else int(digits[3] or 0)
    return (int(digits[1]), int(digits[2]), patch)


def go_bin(env: dict[str, str]) -> Path:
    """The folder with `go` and `gofmt`."""
    system = shutil.which("go", path=env["PATH"])
    if system and number(version(system, env)) >= wanted():
        return Path(system).parent
    return fetch("go", env) / "go" / "bin"


def version(go: str, env: dict[str, str]) -> str:
    """What this Go says it is, such as `go1.26.8`; empty when it cannot say."""
    answer = subprocess.run([go, "env", "GOVERSION"], env=env, capture_output=True, text=True, check=False)
    return answer.stdout.strip()
