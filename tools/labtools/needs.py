"""What each recipe and each program needs to be set up. The one place for it.

core: PostgreSQL, k6, just and uv, pinned. go: the system's or a pinned one. lint: ruff, mypy, shellcheck, pinned.
containers: podman-compose and the schemas of Kubernetes, pinned; for tests.
fuzz: schemathesis, pinned.
rust: cargo and a C compiler must be there. bench, analyze: built here. targets: all services of lab.toml, built;
target:NAME: only that one.
"""

BENCH = frozenset({"core", "bench"})
SERVICES = BENCH | {"go", "targets"}
GO = BENCH | {"go", "target:go"}
PYTHON = BENCH | {"target:python"}
RUST = BENCH | {"target:rust-sqlx", "target:rust-tokio-postgres"}
ANALYZE = frozenset({"analyze"})
NOTHING = frozenset[str]()

RECIPES: dict[str, frozenset[str]] = {
    "bench-single": SERVICES,
    "bench-multi": SERVICES,
    "bench-go": GO,
    "bench-py": PYTHON,
    "bench-rust": RUST,
    "up": SERVICES,
    "up-go": GO,
    "up-py": PYTHON,
    "up-rust": RUST,
    "images": NOTHING,
    # Everything runs in the images, but for what measures: see of_recipe.
    "containers": NOTHING,
    "generate": NOTHING,
    "down": BENCH,
    "logs-go": BENCH,
    "logs-py": BENCH,
    "logs-rust": BENCH,
    "analyze": ANALYZE,
    "compare": ANALYZE,
    "doctor": SERVICES,
    "contract": SERVICES,
    # The stages of the tests each set up what they need (tools/test_stages.py).
    "test": NOTHING,
    "lint": NOTHING,
    "ci": NOTHING,
    "fmt": frozenset({"rust", "go", "lint"}),
    "clean": NOTHING,
}

PROGRAMS: dict[str, frozenset[str]] = {
    "analyze": ANALYZE,
    "go": frozenset({"go"}),
    "gofmt": frozenset({"go"}),
    "ruff": frozenset({"lint"}),
    "mypy": frozenset({"lint"}),
    "shellcheck": frozenset({"lint"}),
    "schemathesis": frozenset({"fuzz"}),
}

# Any other program gets what is quickly there.
OTHER_PROGRAM = frozenset({"core"})

# Subcommands of `bench` that start services; the others only need `bench` itself.
STARTS_SERVICES = frozenset({"run", "sweep", "resume", "aa", "up", "contract", "doctor"})


def of_recipe(name: str, arguments: list[str]) -> frozenset[str]:
    """Every recipe is run by just, which is in core."""
    measures = name == "containers" and any(word.split("-")[0] in ("bench", "resume") for word in arguments[:1])
    return RECIPES[name] | (BENCH if measures else {"core"})


def of_program(command: list[str]) -> frozenset[str]:
    """What a program with its arguments needs."""
    program, arguments = command[0], command[1:]
    if program != "bench":
        return PROGRAMS.get(program, OTHER_PROGRAM)
    if "build" in arguments:
        return BENCH | {"go"}
    return SERVICES if STARTS_SERVICES.intersection(arguments) and not {"-h", "--help"}.intersection(arguments) else BENCH
