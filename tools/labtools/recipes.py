"""The recipes as the justfile tells them: name, group and comment."""

import re
from pathlib import Path
from typing import NamedTuple

from .paths import ROOT


class Recipe(NamedTuple):
    """One public recipe of the justfile."""

    name: str
    group: str
    comment: str


def read(justfile: Path = ROOT / "justfile") -> list[Recipe]:
    """All public recipes in their order."""
    recipes = []
    comment = group = ""
    private = False
    for line in justfile.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            comment = line.lstrip("# ")
        elif found := re.match(r"\[group\('([^']+)'\)\]", line):
            group = found[1]
        elif found := re.match(r"([a-z][a-z0-9-]*)(?: [*+]?[A-Z]+)*:(?!=)", line):
            if not private:
                recipes.append(Recipe(found[1], group, comment))
            comment, private = "", False
        elif line == "[private]":
            private = True
        elif not line.startswith("["):
            comment = ""
    return recipes
