"""Messages quoted in docs/TROUBLESHOOTING.md must be messages of the lab: whoever sees one will search for its words."""

import re
from functools import cache

from labtools.paths import ROOT

from .markdown import split

PAGE = ROOT / "docs" / "TROUBLESHOOTING.md"
SOURCES = ("*/src/**/*.rs", "tools/**/*.py", "lab", "docker-compose.yml")
SHORTEST = 6
"""Fragments between placeholders that are shorter say nothing."""


@cache
def sources() -> str:
    """All texts of the lab's own programs, with the line breaks of long literals removed."""
    paths = [path for pattern in SOURCES for path in sorted(ROOT.glob(pattern)) if "labdocs" not in path.parts]
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    return re.sub(r"\s+", " ", re.sub(r"\\\n\s*", "", text)).replace('" f"', "").replace('" "', "")


def unknown_symptoms() -> list[str]:
    """Quoted messages of which a part is nowhere in the sources."""
    problems = []
    for number, line in split(PAGE, PAGE.read_text())[1]:
        if not line.startswith("| "):
            continue
        for quoted in re.findall(r"`([^`]+)`", line.split(" | ")[0]):
            parts = [part.strip() for part in re.split(r"…|\{|\}", quoted)]
            missing = [part for part in parts if len(part) >= SHORTEST and part not in sources()]
            problems += [f"{PAGE.relative_to(ROOT)}:{number}: no program says {part!r}" for part in missing]
    return problems
