"""`./lab`: reads the command line, sets up what it needs and hands over."""

import difflib
import os
import shutil
import signal
import sys
from types import FrameType
from typing import NoReturn

from . import needs, recipes
from .paths import ROOT, cache_path
from .say import INTERRUPTED, LabError, say
from .setup import prepare

HELP = """\
Bench Frameworks: the same service in Go, Python and Rust, under equal and enforced budgets.

  ./lab RECIPE [ARGS]         set up what is missing, then run a recipe (ARGS go to the program behind it)
  ./lab exec PROGRAM [ARGS]   run bench, analyze, k6, psql, go, uv, ... from the same set-up
  ./lab help                  this page

First look: ./lab bench-single --quick     Is this machine fit for it: ./lab doctor
{recipes}
Needs: Linux, a C compiler, Rust (cargo), Python 3.11 or newer. The rest is fetched once, pinned by hash, into
{cache} (another place: BENCH_CACHE).
"""


def help_page() -> str:
    """What the lab can do, from the justfile's own comments."""
    lines = []
    group = None
    for recipe in recipes.read():
        if recipe.group != group:
            group = recipe.group
            lines.append(f"\n{group}:")
        lines.append(f"  {recipe.name:<14}{recipe.comment}")
    return HELP.format(recipes="\n".join(lines) + "\n", cache=cache_path())


def unknown_recipe(name: str) -> LabError:
    """The error for a word that is no recipe, with the nearest one."""
    near = difflib.get_close_matches(name, needs.RECIPES, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return LabError(f"there is no recipe `{name}`: {hint}`./lab help` lists them; a program is run by `./lab exec {name}`.")


def hand_over(command: list[str], env: dict[str, str]) -> NoReturn:
    """Becomes the program, so that its signals and exit code are the caller's own."""
    program = shutil.which(command[0], path=env["PATH"])
    if program is None:
        raise LabError(f"there is no program `{command[0]}` in the set-up or on PATH.")
    sys.stdout.flush()
    os.execve(program, command, env)


def dispatch(arguments: list[str]) -> int:
    """Does what the command line says; comes back only from `help`."""
    if not arguments or arguments[0] in ("help", "-h", "--help"):
        print(help_page(), end="")
        return 0
    name, rest = arguments[0], arguments[1:]
    if name == "exec":
        if not rest:
            raise LabError("exec needs a program, for example: ./lab exec bench --help")
        hand_over(rest, prepare(needs.of_program(rest)))
    if name not in needs.RECIPES:
        raise unknown_recipe(name)
    env = prepare(needs.of_recipe(name, rest))
    hand_over(["just", "--justfile", str(ROOT / "justfile"), "--working-directory", str(ROOT), name, *rest], env)


def main(arguments: list[str]) -> int:
    """The exit code: 2 when something is missing or mistyped, 130 when interrupted, else the program's own."""

    def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
        # As an exception, so that half-made folders are removed on the way out.
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        return dispatch(arguments)
    except LabError as error:
        say(str(error))
        return error.code
    except KeyboardInterrupt:
        say("interrupted; nothing half is left, the same command goes on from here.")
        return INTERRUPTED
