"""The parts of Markdown that the checks need: fenced blocks with the comment before them, links and headings."""

import re
from dataclasses import dataclass
from pathlib import Path

from labtools.paths import ROOT

FENCE = re.compile(r"^( *)(`{3,}|~{3,})\s*([\w+-]*)\s*$")
COMMENT = re.compile(r"^\s*<!-- (.*) -->$")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|!\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.*?)\s*#*$")


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    page: Path
    line: int
    """Of its fence, from 1."""
    language: str
    text: str
    comment: str
    """The HTML comment on the line before it, without its arrows; empty when there is none."""

    @property
    def place(self) -> str:
        """File and line, for people."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every document that a stranger reads."""
    folders = ("*.md", "docs/*.md", "examples/*/*.md", "loadtest/*.md", "api-contract/*.md", "deploy/*.md", "deploy/*/*.md")
    return sorted(path for pattern in folders for path in ROOT.glob(pattern))


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    return split(page, page.read_text())[0]


def split(page: Path, text: str) -> tuple[list[Block], list[tuple[int, str]]]:
    """Fenced blocks, and the other lines with their numbers."""
    found: list[Block] = []
    prose: list[tuple[int, str]] = []
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        opening = FENCE.match(lines[at])
        if not opening:
            prose.append((at + 1, lines[at]))
            at += 1
            continue
        indent, fence, language = opening.groups()
        end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == fence), len(lines))
        body = [line.removeprefix(indent) for line in lines[at + 1 : end]]
        before = COMMENT.match(lines[at - 1]) if at else None
        found.append(Block(page, at + 1, language, "\n".join(body) + "\n", before[1] if before else ""))
        at = end + 1
    return found, prose


def links(page: Path) -> list[tuple[int, str]]:
    """Targets of all links outside of code, with their lines."""
    found = []
    for number, line in split(page, page.read_text())[1]:
        if line.startswith("    "):
            continue
        plain = re.sub(r"`[^`]*`", "", line)
        # A link's text may be code: its target stays.
        plain = plain if "](" in plain else line
        found += [(number, match[1] or match[2]) for match in LINK.finditer(plain)]
    return found


def anchors(page: Path) -> set[str]:
    """The fragments that headings of a page make, as GitHub does it."""
    made: set[str] = set()
    for _, line in split(page, page.read_text())[1]:
        if heading := HEADING.match(line):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).replace("`", "")
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            number = 0
            unique = slug
            while unique in made:
                number += 1
                unique = f"{slug}-{number}"
            made.add(unique)
    return made
