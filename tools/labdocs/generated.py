"""Parts of documents that a program writes, between markers that name it.

    <!-- generated: COMMAND -->
    ```text
    what COMMAND prints
    ```
    <!-- end -->

COMMAND is run from the root of the tree, without a shell, in 100 columns and without colour.
"""

import difflib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from labtools.paths import ROOT
from labtools.say import LabError

from .markdown import pages

MARKED = re.compile(r"^<!-- generated: ([^\n]*) -->\n(.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL)


def replace_block(text: str, marker: str, body: str) -> str:
    """The text with `body` between `<!-- MARKER -->` and the next `<!-- end -->`."""
    pattern = re.compile(rf"(^<!-- {re.escape(marker)} -->\n).*?(^<!-- end -->$)", re.MULTILINE | re.DOTALL)
    replaced, count = pattern.subn(lambda found: f"{found[1]}{body}\n{found[2]}", text)
    if count != 1:
        raise LabError(f"the marker <!-- {marker} --> is there {count} times, expected once.")
    return replaced


def output_of(command: str) -> str:
    """What the command prints, as a fenced block; Markdown of our own tools as it is."""
    words = shlex.split(command)
    if words[0] == "python3":
        words[0] = sys.executable
    env = dict(os.environ) | {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"`{command}` ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    lines = "\n".join(line.rstrip() for line in done.stdout.replace(str(ROOT), ".").strip().splitlines())
    return f"{lines}\n" if "--markdown" in words else f"```text\n{lines}\n```\n"


def fresh(page: Path) -> str:
    """The page with all of its generated parts made anew."""
    return MARKED.sub(lambda found: f"<!-- generated: {found[1]} -->\n{output_of(found[1])}<!-- end -->", page.read_text())


def write_all() -> list[str]:
    """Makes every generated part anew; the pages that changed."""
    changed = []
    for page in pages():
        new = fresh(page)
        if new != page.read_text():
            page.write_text(new)
            changed.append(str(page.relative_to(ROOT)))
    return changed


def stale_parts() -> list[str]:
    """A difference for each page whose generated parts are not what their programs print now."""
    problems = []
    for page in pages():
        old, new = page.read_text(), fresh(page)
        if old != new:
            name = str(page.relative_to(ROOT))
            difference = "\n".join(difflib.unified_diff(old.splitlines(), new.splitlines(), name, "generated now", lineterm="", n=1))
            problems.append(f"{name} is stale: python3 tools/docs.py --write\n{difference}")
    return problems


def count() -> int:
    """How many generated parts there are."""
    return sum(len(MARKED.findall(page.read_text())) for page in pages())
