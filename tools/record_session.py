"""Records one real run: the whole of it as text in docs/SESSION.md, its verdict in README.md with a picture of the ratios.

    python3 tools/record_session.py                       run ./lab bench-single and record it (more than ten minutes)
    python3 tools/record_session.py -- --quick            with arguments for `bench run`
    python3 tools/record_session.py --log LOG --run RUN   take a session that was written to a file before

Not a terminal: what is recorded is what a pipe gets, without colours and without the progress bar.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from labdocs.generated import replace_block
from labtools.paths import ROOT
from labtools.say import LabError, say

WIDTH = 100
MARKER = "recorded by tools/record_session.py"
PICTURE = ROOT / "docs" / "ratios.svg"
# The report's own colours for a dark page: a picture on a page of somebody else has only its own style.
DARK = (
    '<style>@media (prefers-color-scheme: dark) { text, [fill="#111111"] { fill: #e8e8e4 } '
    '[stroke="#111111"] { stroke: #e8e8e4 } [stroke="#DDDDDD"] { stroke: #3c3c3a } }</style>'
)
KEPT_ROWS = 4
"""Progress lines shown at the beginning; the rest is counted."""


def record(arguments: list[str]) -> str:
    """Runs the lab; both of its streams, in the order in which they came."""
    command = [str(ROOT / "lab"), "bench-single", *arguments]
    say(f"recording: {' '.join(command)}")
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    for line in child.stdout or ():
        sys.stderr.write(line)
        lines.append(line)
    if child.wait() not in (0, 1):
        raise LabError(f"the run ended with {child.returncode}: nothing is recorded.")
    return "".join(lines)


def tidy(session: str) -> list[str]:
    """The session without this machine's folders, without the set-up's lines, and with most progress lines counted only."""
    kept: list[str] = []
    progress: list[str] = []
    for line in session.splitlines():
        if line.startswith("lab: "):
            continue
        if line.startswith("real\t"):  # of `time`, when the log was written under it
            break
        if line.startswith("["):
            progress.append(line)
            continue
        if progress:
            kept += shorten(progress)
            progress = []
        if line.startswith("Results: "):
            line = f"Results: results/{Path(line.split(maxsplit=1)[1]).name}"  # noqa: PLW2901
        kept.append(line.rstrip())
    while kept and not kept[-1]:
        kept.pop()
    return kept


def shorten(progress: list[str]) -> list[str]:
    """The first rows and the last one."""
    if len(progress) <= KEPT_ROWS + 2:
        return progress
    left_out = len(progress) - KEPT_ROWS - 1
    return [*progress[:KEPT_ROWS], f"… {left_out} more such lines …", progress[-1]]


def verdict(lines: list[str]) -> list[str]:
    """From the word Verdict to the next empty line, and the marks."""
    if "Verdict" not in lines:
        raise LabError("the session has no line `Verdict`: it did not end well.")
    start = lines.index("Verdict") + 1
    end = next((at for at in range(start, len(lines)) if not lines[at]), len(lines))
    balance = [line for line in lines if line.startswith("The receipt")]
    return [*balance, *lines[start:end]]


def picture(page: str) -> tuple[str, str]:
    """The first plot of ratios in a report, and what it shows. A run of one target has none."""
    section = re.search(r'<section id="ratios">(.*?)</section>', page, re.DOTALL)
    found = section and re.search(r"<figcaption>(.*?)</figcaption>\s*(<svg[^>]*>)(.*?</svg>)", section[1], re.DOTALL)
    if not found:
        raise LabError("the report has no plot of ratios.")
    return f"{found[2]}\n{DARK}{found[3]}\n", found[1]


def report(run: Path) -> str:
    """The report of a run, as a page."""
    done = subprocess.run(
        [str(ROOT / "lab"), "analyze", str(run), "--format", "html"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LabError(f"`analyze` ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def machine(manifest: dict[str, Any]) -> str:
    """Where and with what it ran, in plain words."""
    environment, versions = manifest["environment"], manifest["versions"]
    host, programs = environment["host"], versions["programs"]
    kind = "a virtual machine" if host.get("virtual_machine") else "a machine"
    memory = f"{host['memory_bytes'] / 2**30:.0f} GiB"
    kernel = ".".join(host["kernel"].split(".")[:2])
    limits = environment["limits"].replace("_", " ")
    postgres = programs["postgres"].split()[1]
    commit = (versions.get("revision") or "unknown")[:7]
    return (
        f"{manifest['created_at'][:10]}, {kind} with {len(host['allowed'])} CPUs ({host.get('model', 'unknown')}, {memory}), "
        f"Linux {kernel}, {limits}, PostgreSQL {postgres}, k6 {programs['k6']}, commit {commit}"
    )


def write(session: str, run: Path) -> None:
    """Both places."""
    manifest = json.loads((run / "manifest.json").read_text())
    lines = tidy(session)
    command = " ".join(["./lab bench-single", *options(manifest)])
    where = f"`{command}`, {machine(manifest)}."
    page = ROOT / "docs" / "SESSION.md"
    whole = [
        "# One real run",
        "",
        f"Recorded by `python3 tools/record_session.py`, word for word. {where}",
        "",
        "```text",
        *lines,
        "```",
        "",
    ]
    page.write_text("\n".join(whole))
    svg, caption = picture(report(run))
    PICTURE.write_text(svg)
    shown = f"![Ratios of the targets with their intervals: {caption}]({PICTURE.relative_to(ROOT)})"
    excerpt = [where[0].upper() + where[1:], "", "```text", *verdict(lines), "```", "", shown]
    readme = ROOT / "README.md"
    readme.write_text(replace_block(readme.read_text(), MARKER, "\n".join(excerpt)))
    say(f"written: {page.relative_to(ROOT)}, {PICTURE.relative_to(ROOT)} and the verdict in README.md")


def options(manifest: dict[str, Any]) -> list[str]:
    """The options of `bench run` that a reader would type after the recipe."""
    words = manifest["command"][2:]
    kept = []
    at = 0
    while at < len(words):
        if words[at] in ("--mode", "--out"):
            at += 2
            continue
        kept.append(words[at])
        at += 1
    return kept


def newest_run() -> Path:
    """The run that was just stored."""
    runs = sorted(path.parent for path in (ROOT / "results").glob("*/manifest.json"))
    if not runs:
        raise LabError("there is no run in results/.")
    return runs[-1]


def main() -> int:
    """0, or 2 with the reason."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, help="a session written before")
    parser.add_argument("--run", type=Path, help="the folder of its results")
    parser.add_argument("arguments", nargs="*", help="for `bench run`, after --")
    options = parser.parse_args()
    try:
        if (options.log is None) != (options.run is None):
            raise LabError("--log and --run go together.")
        if options.log:
            write(options.log.read_text(), options.run)
        else:
            session = record(options.arguments)
            write(session, newest_run())
    except LabError as error:
        say(str(error))
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
