"""Tables of documents that follow from the tree itself."""

import re
import tomllib

from labtools import recipes
from labtools.paths import ROOT


def targets() -> str:
    """The services of lab.toml."""
    found = tomllib.loads((ROOT / "lab.toml").read_text())["targets"]
    rows = [f"| `{name}` | {target['title']} | {target['port']} |" for name, target in found.items()]
    return "\n".join(["| target | service | port for playing |", "|---|---|---|", *rows])


def profiles() -> str:
    """The loads of lab.toml."""
    found = tomllib.loads((ROOT / "lab.toml").read_text())["profiles"]
    rows = [f"| `{name}` | {profile['title']} | {profile['warmup_s']} + {profile['measure_s']} |" for name, profile in found.items()]
    return "\n".join(["| profile | load | warm-up + measured, s |", "|---|---|---|", *rows])


def recipe_table() -> str:
    """The recipes of the justfile, with their own comments."""
    rows = [f"| {recipe.group} | `{recipe.name}` | {cell(recipe.comment)} |" for recipe in recipes.read()]
    return "\n".join(["| | recipe | does |", "|---|---|---|", *rows])


def cell(text: str) -> str:
    """Text for a cell of a table."""
    return text.replace("|", "\\|")


def exit_codes() -> str:
    """The exit codes of both programs, as their sources say."""
    tables = {name: codes_in(source) for name, source in (("bench", "runner/src/error.rs"), ("analyze", "analyzer/src/exit.rs"))}
    codes = sorted({code for table in tables.values() for code in table})
    rows = [f"| {code} | {tables['bench'].get(code, '')} | {tables['analyze'].get(code, '')} |" for code in codes]
    return "\n".join(["| code | `bench` | `analyze` |", "|---|---|---|", *rows])


def codes_in(source: str) -> dict[int, str]:
    """Number and comment of each value of the enum `Exit` of a source file."""
    text = (ROOT / source).read_text()
    body = text[text.index("pub enum Exit {") :].split("\n}", 1)[0]
    return {int(code): comment for comment, code in re.findall(r"/// (.*)\n\s*\w+ = (\d+),", body)}


def stages() -> str:
    """The test stages, in their order."""
    from test_stages import STAGES  # noqa: PLC0415  that file imports labtools in turn

    rows = [f"| `{stage.name}` | {stage.kind} | {commands_cell(stage.commands)} |" for stage in STAGES]
    return "\n".join(["| stage | kind | command |", "|---|---|---|", *rows])


def commands_cell(commands: tuple[tuple[str, ...], ...]) -> str:
    """The first command, without this machine's Python; and how many more there are."""
    words = ["python3" if "/python" in word else word for word in commands[0]]
    first = f"`{' '.join(words[:8])}{' …' if len(words) > 8 else ''}`"
    return first if len(commands) == 1 else f"{first} and {len(commands) - 1} more"


FACTS = {"exit-codes": exit_codes, "targets": targets, "profiles": profiles, "recipes": recipe_table, "stages": stages}
