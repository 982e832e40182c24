"""Commands in documents: run here, run by a stage of the tests, or marked with the reason why not.

A block of `sh` or `console` is run from the root of the tree, unless the line before it is one of

    <!-- not run: needs Nix -->           cannot be run here
    <!-- run by: end-to-end -->           a stage runs the same commands, or more
    <!-- may end with: 1 -->              run, and this exit code is an answer too

In `console`, lines that begin with `$ ` are the commands, and the others what they print.
"""

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass

from labtools.paths import ROOT

from .markdown import Block, pages, split

LANGUAGES = ("sh", "console", "bash", "shell")
PROGRAMS = (
    "./lab", "bench", "analyze", "contract", "k6", "just", "make", "nix", "cargo", "docker", "podman", "kubectl",
    "cp", "git", "python3", "npm", "node",
)  # fmt: skip
STARTS_LIKE_COMMAND = re.compile(rf"^\$? ?({'|'.join(re.escape(program) for program in PROGRAMS)}) ")
LIMIT_S = 60
"""A command in a document that takes longer belongs into a stage of its own."""


@dataclass(frozen=True)
class Outcome:
    """What became of a block."""

    block: Block
    kind: str
    """run, by stage, not run, or failed."""
    detail: str = ""


def commands_of(block: Block) -> str:
    """The script of a block."""
    if block.language != "console":
        return block.text
    return "\n".join(line[2:] for line in block.text.splitlines() if line.startswith("$ ")) + "\n"


def all_blocks() -> list[Block]:
    """Every block of commands in every document."""
    return [block for page in pages() for block in split(page, page.read_text())[0] if block.language in LANGUAGES]


def judge(block: Block, stages: frozenset[str]) -> Outcome:
    """Runs the block unless it is marked."""
    word, _, detail = block.comment.partition(": ")
    if word == "not run" and detail:
        return Outcome(block, "not run", detail)
    if word == "run by":
        known = detail in stages
        return Outcome(block, "by stage" if known else "failed", detail if known else f"there is no stage `{detail}`")
    return run(block, int(detail) if word == "may end with" else 0)


def run(block: Block, also: int = 0) -> Outcome:
    """The block as a shell script that stops at its first failure; it may end with 0 or `also`."""
    started = time.monotonic()
    script = commands_of(block)
    env = dict(os.environ) | {"NO_COLOR": "1", "COLUMNS": "100"}
    child = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = child.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return Outcome(block, "failed", f"took longer than {LIMIT_S} s: mark it with the stage that runs it")
    print(f"--- {block.place} ({time.monotonic() - started:.1f} s)\n{script}{output}", flush=True)
    if child.returncode not in (0, also):
        return Outcome(block, "failed", f"ended with {child.returncode}: {output.strip()[-300:]}")
    return Outcome(block, "run")


def strays() -> list[str]:
    """Commands that stand outside of a block of commands, where nobody would run them."""
    problems = []
    for page in pages():
        fenced, prose = split(page, page.read_text())
        name = page.relative_to(ROOT)
        for number, line in prose:
            if line.startswith("    ") and STARTS_LIKE_COMMAND.match(line.strip()):
                problems.append(f"{name}:{number}: a command in an indented block: put it into a fence ```sh")
        for block in fenced:
            if not block.language and any(STARTS_LIKE_COMMAND.match(line) for line in block.text.splitlines()):
                problems.append(f"{block.place}: a command in a fence without a language: say ```sh")
    return problems
