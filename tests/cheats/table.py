"""Prints the table of cheats against guards, for docs/RECEIPT.md (tools/docs.py --write puts it there)."""

from registry import CONTRACT, DISTURBANCES, FAIRNESS, HARMLESS, HIDDEN, INVALID, START, UNIT_TESTS, Cheat


def rows() -> list[tuple[str, str, str, str]]:
    """Name, what it does, guard, what happens."""

    def of(cheats: list[Cheat], guard: str, outcome: str) -> list[tuple[str, str, str, str]]:
        return [(f"`{c.name}`", c.does, guard.format(codes(c.codes)), outcome) for c in cheats]

    invalid = "repetition invalid"
    return [
        *of(CONTRACT, "contract: {}", "exit code 4"),
        *of(START, "readiness", "exit code 2"),
        *of(FAIRNESS, "{}", "ranking refused"),
        *of(INVALID, "{}", invalid),
        *of([HIDDEN], "{}", invalid),
        *of(HARMLESS, "all clients of the lab send the same `User-Agent`", "cannot happen"),
        *[(f"`{d.name}`", d.does, codes(d.codes), invalid) for d in DISTURBANCES],
        *[("", does, f"`{code}`", "in `receipt_tests.rs` only") for does, code in UNIT_TESTS.items()],
    ]


def codes(some: frozenset[str]) -> str:
    """Codes for people."""
    return ", ".join(f"`{code}`" for code in sorted(some))


def text() -> str:
    """The table in Markdown."""
    lines = ["| cheat | what it does | caught by | what happens |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows())])


if __name__ == "__main__":
    print(text())
