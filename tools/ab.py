"""Prints a lab.toml that has one target twice, as `base` and `new`, from two checkouts: for a comparison in the same blocks."""

import argparse
import json
import re
import sys
import tomllib
from pathlib import Path

from labtools.paths import ROOT
from labtools.say import LabError, say

SIDES = ("base", "new")


def sections(text: str) -> list[tuple[str, str]]:
    """The file as (name, text) of its tables; what stands before the first one has no name."""
    parts = re.split(r"(?m)^(?=\[)", text)
    return [(match[1] if (match := re.match(r"\[([^\]]+)\]", part)) else "", part) for part in parts]


def value(name: str, new: object, text: str) -> str:
    """A line `name = …` with another value (JSON's texts and lists are TOML's too)."""
    return re.sub(rf"(?m)^{name} = .*$", lambda _: f"{name} = {json.dumps(new)}", text, count=1)


def side(name: str, text: str, target: dict[str, object], folder: str, port: int) -> str:
    """A target's own table for one side."""
    text = value("dir", str(Path(folder) / str(target["dir"])), text)
    text = value("port", port, text)
    build = target["build"]
    if isinstance(build, list) and build[:1] == ["cargo"]:
        # Each checkout builds into a folder of its own: else both sides would be the program that was built last.
        text = value("build", [*build, "--target-dir", "target"], text).replace("{cargo_target}", "target")
    return value("title", f"{target['title']}, {name}", text)


def two_sided(text: str, name: str, folders: tuple[str, str]) -> str:
    """The text of the new lab.toml. LabError: no such target."""
    known = tomllib.loads(text)["targets"]
    if name not in known:
        raise LabError(f"there is no target `{name}` in lab.toml; there are: {', '.join(known)}.")
    port = known[name]["port"]
    out = []
    for table, part in sections(text):
        if not table.startswith("targets."):
            out.append(value("baseline", SIDES[0], part) if table == "plan" else part)
    for new_name, folder, own_port in zip(SIDES, folders, (port, port + 1), strict=True):
        for table, part in sections(text):
            if table == f"targets.{name}" or table.startswith(f"targets.{name}."):
                renamed = part.replace(f"[targets.{name}", f"[targets.{new_name}", 1)
                out.append(side(new_name, renamed, known[name], folder, own_port) if table == f"targets.{name}" else renamed)
    return "".join(part if part.endswith("\n") else part + "\n" for part in out)


def main(arguments: list[str], root: Path = ROOT) -> int:
    """0: printed; 2: no such target."""
    parser = argparse.ArgumentParser(prog="ab", description=__doc__)
    parser.add_argument("target", help="a target of lab.toml")
    parser.add_argument("base", help="the checkout to compare with, relative to where the new file will stand")
    parser.add_argument("new", help="the checkout with the change, likewise")
    options = parser.parse_args(arguments)
    try:
        print(two_sided((root / "lab.toml").read_text(encoding="utf-8"), options.target, (options.base, options.new)), end="")
    except LabError as error:
        say(str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
