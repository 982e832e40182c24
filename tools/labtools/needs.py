"""What each recipe and each program needs to be set up. The one place for it."""

# postgres, k6, just, uv: pinned groups. go: the system's or a pinned one. bench, analyze: built here.
MEASURE = frozenset({"postgres", "go", "uv", "k6", "bench"})
SERVICES = frozenset({"postgres", "go", "uv", "bench"})

RECIPES: dict[str, frozenset[str]] = {
    "bench-single": MEASURE,
    "bench-multi": MEASURE,
    "bench-go": MEASURE,
    "bench-py": MEASURE,
    "bench-rust": MEASURE,
    "up": SERVICES,
    "up-go": SERVICES,
    "up-py": SERVICES,
    "up-rust": SERVICES,
    "down": frozenset({"bench"}),
    "logs-go": frozenset({"bench"}),
    "logs-py": frozenset({"bench"}),
    "logs-rust": frozenset({"bench"}),
    "analyze": frozenset({"analyze"}),
    "compare": frozenset({"analyze"}),
    "doctor": MEASURE,
    "contract": SERVICES,
    # The stages of the tests each set up what they need (tools/test_stages.py).
    "test": frozenset(),
    "lint": frozenset(),
    "ci": frozenset(),
    "fmt": frozenset({"rust", "go", "uv", "lint"}),
    "clean": frozenset(),
}

PROGRAMS: dict[str, frozenset[str]] = {
    "bench": MEASURE,
    "analyze": frozenset({"analyze"}),
    "k6": frozenset({"k6"}),
    "psql": frozenset({"postgres"}),
    "go": frozenset({"go"}),
    "gofmt": frozenset({"go"}),
    "uv": frozenset({"uv"}),
    "just": frozenset({"just"}),
    "ruff": frozenset({"lint"}),
    "mypy": frozenset({"lint"}),
    "shellcheck": frozenset({"lint"}),
}

# Any other program gets what is quickly there.
OTHER_PROGRAM = frozenset({"postgres", "uv", "just"})
