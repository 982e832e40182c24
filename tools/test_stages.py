"""The registry of `./lab test`: fast stages first. A new stage is one more entry.

A program that cannot test on this machine ends with 77 and says why in its last line: the stage is then skipped.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from labtools.needs import GO as GO_SERVICE
from labtools.needs import PYTHON, SERVICES
from labtools.paths import LAB, ROOT
from labtools.stage import Stage

GO_MODULES = ("go-api", "loadtest/bench/server")
PYTHON_FOLDERS = ("tools", "tests", "py-api", "loadtest", "analyzer")
# Each test has a module named run.
MYPY = (
    ("mypy", "tools", "tests/end_to_end"),
    ("mypy", "tests/bad_input"),
    ("mypy", "tests/api_fuzz"),
    ("mypy", "tests/cheats/run.py", "tests/cheats/table.py"),
)
CLIPPY = ("cargo", "clippy", "--release", "--locked", "--workspace", "--all-targets", "--")
CARGO_TEST = ("cargo", "test", "--release", "--locked")
BEHAVIOURS = (*CARGO_TEST, "-p", "api-contract", "--test", "suite", "--", "--ignored", "behaviours::")
# An environment of its own: the service's is as it ships, without test tools.
UV = ("uv", "run", "--frozen", "--directory", "py-api")
UV_ENV = {"UV_PROJECT_ENVIRONMENT": str(LAB / "py-venv")}


def nix_files() -> list[str]:
    """All Nix files of the tree."""
    found = [*ROOT.glob("*.nix"), *ROOT.glob("nix/**/*.nix"), *ROOT.glob("nixos/**/*.nix"), *ROOT.glob("tests/**/*.nix")]
    return [str(path.relative_to(ROOT)) for path in sorted(found)]


def no_nixfmt() -> str | None:
    """No registry of ours has a binary of it; `nix develop` does."""
    return None if shutil.which("nixfmt") else "nixfmt is not on PATH"


def in_tree(path: str) -> str | None:
    """The reason to skip a stage whose program is not there."""
    return None if Path(ROOT, path).is_file() else f"{path} is not in this tree"


RUST = frozenset({"rust"})
GO = frozenset({"go"})
LINT = frozenset({"lint"})
FUZZ = frozenset({"fuzz"})
CORE = frozenset({"core"})

# Without a Nix on PATH, Debian's newer one is unpacked beside the system.
NIX_PACKAGES = {} if shutil.which("nix") else {"mmdebstrap": "mmdebstrap"}


def only_when_asked(stage: str, why: str) -> Callable[[], str | None]:
    """For stages that are too long for every run."""
    return lambda: None if os.environ.get("BENCH_TEST_LONG") == "1" else f"{why}: BENCH_TEST_LONG=1 ./lab test {stage}"


BEHAVIOURS_LONG = only_when_asked("behaviours", "tests the contract suite itself, for three minutes")

# A Go module: fetched and built by Go, checked by its checksum database.
ACTIONLINT = ("go", "run", "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12", *sorted(
    str(path.relative_to(ROOT)) for folder in (".github/workflows", "docs/examples") for path in Path(ROOT, folder).glob("*.yml")
))  # fmt: skip

CONTRACT_PROGRAM = ("cargo", "build", "--release", "--locked", "-p", "api-contract")
NIX_UNITS = (CONTRACT_PROGRAM, ("tests/nix/units",))
CONTAINERS = (CONTRACT_PROGRAM, ("tests/containers/run",))
CONTAINER_PACKAGES = {
    "podman": "podman", "crun": "crun", "/bin/busybox": "busybox-static", "mmdebstrap": "mmdebstrap",
    "/usr/lib/podman/netavark": "netavark", "/usr/lib/podman/aardvark-dns": "aardvark-dns", "iptables": "iptables",
}  # fmt: skip
# Any of the browsers that the test knows will do.
CHROMIUM = {} if any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))) else {"chromium": "chromium"}
VM_PACKAGES = {"qemu-system-x86_64": "qemu-system-x86", "mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs"}

STAGES = [
    Stage("format-rust", "format", (("cargo", "fmt", "--all", "--check"),), RUST),
    Stage("format-go", "format", (("gofmt", "-l", *GO_MODULES),), GO, quiet=True),
    Stage("format-python", "format", (("ruff", "format", "--check", *PYTHON_FOLDERS),), LINT),
    Stage("format-just", "format", (("just", "--fmt", "--check", "--unstable"),), CORE),
    Stage("format-nix", "format", (("nixfmt", "--check", *nix_files()),), skip=no_nixfmt),
    Stage("lint-shell", "lint", ((sys.executable, "tools/lint_shell.py"),), LINT),
    Stage("lint-python", "lint", (("ruff", "check", *PYTHON_FOLDERS), *MYPY), LINT),
    Stage("lint-workflows", "lint", (ACTIONLINT,), GO | LINT),
    Stage("lab", "unit", ((sys.executable, "-m", "unittest", "discover", "-t", "tools", "-s", "tools/tests"),), CORE),
    Stage("lint-py-api", "lint", ((*UV, "mypy"),), CORE, env=UV_ENV),
    Stage("unit-python", "unit", ((*UV, "pytest", "-q"),), CORE, env=UV_ENV),
    Stage("lint-go", "lint", tuple(("go", "-C", folder, "vet", "./...") for folder in GO_MODULES), GO),
    Stage("unit-go", "unit", tuple(("go", "-C", folder, "test", "./...") for folder in GO_MODULES), GO | CORE, minutes=15),
    Stage("unit-load", "unit", ((sys.executable, "loadtest/tests"),), CORE),
    Stage("lint-rust", "lint", ((*CLIPPY, "-D", "warnings"),), RUST, minutes=20),
    # Two runs: so that polars is built with the features, and hence once for, `analyze` itself.
    Stage("unit-rust", "unit", ((*CARGO_TEST, "--workspace", "--exclude", "analyzer"),), SERVICES | RUST, minutes=20),
    Stage("supply-chain", "lint", ((sys.executable, "tools/supply_chain.py"),), RUST | GO | PYTHON),
    Stage("contract", "system", (("bench", "contract", "--behaviour", "--slack", "15"),), SERVICES, minutes=15),
    # Each behaviour of the contract catches a service that was made wrong for it.
    Stage("behaviours", "system", (BEHAVIOURS,), CORE | RUST, skip=BEHAVIOURS_LONG, minutes=20),
    Stage("bad-input", "system", ((sys.executable, "tests/bad_input/run.py"),), GO_SERVICE, minutes=15),
    Stage("api-fuzz", "system", ((sys.executable, "tests/api_fuzz/run.py"),), SERVICES | FUZZ, minutes=60),
    Stage("cheats", "system", ((sys.executable, "tests/cheats/run.py"),), PYTHON, minutes=10),
    Stage("kill", "system", (("tests/kill/run",),), SERVICES, skip=lambda: in_tree("tests/kill/run")),
    Stage("aa", "system", (("tests/aa/run",),), SERVICES, minutes=5),
    Stage("unit-analyze", "unit", ((*CARGO_TEST, "-p", "analyzer"),), RUST | {"analyze"}, minutes=30),
    Stage("report-page", "system", ((sys.executable, "analyzer/tests/browser.py"),), RUST | {"analyze"}, packages=CHROMIUM, minutes=10),
    Stage("end-to-end", "system", ((sys.executable, "tests/end_to_end/run.py"),), SERVICES | {"analyze"}, minutes=15),
    Stage("docs", "system", ((sys.executable, "tools/docs.py"),), SERVICES, minutes=5),
    Stage("new-target", "system", ((sys.executable, "tests/own_service/broken.py"),), SERVICES),
    Stage("example-node", "system", ((sys.executable, "tests/own_service/node.py"),), SERVICES),
    Stage("sweep", "system", ((sys.executable, "tests/sweep/run.py"),), CORE | {"bench", "analyze", "go", "target:go"}, minutes=10),
    # bench: Nix must derive the same budgets. core: a Postgres for the seed. go: the vendor hash, and one build.
    Stage("nix", "system", (("tests/nix/run",),), CORE | GO | LINT | {"bench"}, packages=NIX_PACKAGES, minutes=20),
    # The same script as the NixOS test of mode single, on the units that Nix makes.
    Stage("nix-units", "system", NIX_UNITS, SERVICES | RUST, packages=NIX_PACKAGES | VM_PACKAGES, minutes=30),
    # core: PostgreSQL and k6 for the stand-ins of base images. go: an image is built with it, and kustomize.
    Stage("containers", "system", CONTAINERS, SERVICES | RUST | {"analyze", "containers"}, packages=CONTAINER_PACKAGES, minutes=20),
    Stage("vm", "system", (("tests/vm/limits",),), RUST, packages=VM_PACKAGES, minutes=30),
]  # fmt: skip
