"""`./lab test`: runs the stages of test_stages.py and closes with a table and the line that CI reads."""

import argparse
import os
import signal
import sys
import time
from types import FrameType

from labtools.say import INTERRUPTED
from labtools.stage import Result, Stage, run_stage
from test_stages import STAGES

TAIL = 60


def chosen(options: argparse.Namespace, parser: argparse.ArgumentParser) -> list[Stage]:
    """The stages asked for; all when none is named."""
    known = {stage.name for stage in STAGES}
    for name in options.stages:
        if name not in known:
            parser.error(f"there is no stage `{name}`; --list shows them")
    return [
        stage
        for stage in STAGES
        if (not options.stages or stage.name in options.stages)
        and (not options.kind or stage.kind in options.kind)
        and stage.name not in options.skip
    ]


def show_failure(result: Result) -> None:
    """The end of the log of a failed stage."""
    lines = result.log.read_text(encoding="utf-8", errors="replace").splitlines()
    print(f"    --- {result.stage.name}: {result.reason}; the last lines of {result.log}:")
    for line in lines[-TAIL:]:
        print(f"    | {line}")
    print(flush=True)


def show_table(results: list[Result]) -> None:
    """One line a stage, with the reason where it did not pass."""
    print(f"\n{'stage':<15}{'result':<9}{'time':>8}")
    for result in results:
        print(f"{result.stage.name:<15}{result.outcome:<9}{result.seconds:>6.1f} s  {result.reason}".rstrip())


def closing_line(results: list[Result]) -> str:
    """The form that CI reads; it counts stages."""
    counts = [sum(result.outcome == outcome for result in results) for outcome in ("passed", "failed", "skipped")]
    return f"{counts[0]} passed, {counts[1]} failed, {counts[2]} skipped"


def main(arguments: list[str]) -> int:
    """0 when no stage failed, 1 when one did, 2 on a mistyped command, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="test", description="Run the tests, fast stages first.")
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="only these stages")
    parser.add_argument("--list", action="store_true", help="show the stages and run nothing")
    parser.add_argument("--kind", action="append", choices=("format", "lint", "unit", "system"), help="only stages of this kind")
    parser.add_argument("--skip", action="append", default=[], metavar="STAGE", help="leave this stage out")
    parser.add_argument("--no-install", action="store_true", help="do not install Linux packages that a stage needs")
    options = parser.parse_args(arguments)
    stages = chosen(options, parser)
    if options.list:
        for stage in stages:
            print(f"{stage.name:<15}{stage.kind:<8}{' && '.join(' '.join(command) for command in stage.commands)}")
        return 0
    if not stages:
        parser.error("no stage is left to run")
    return run_all(stages, install=not options.no_install)


def run_all(stages: list[Stage], *, install: bool) -> int:
    """Runs the stages one after the other and reports."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    own_setup = os.environ.get("BENCH_SETUP") == "lab"
    results: list[Result] = []
    interrupted = False
    started = time.monotonic()
    for number, stage in enumerate(stages, 1):
        print(f"[{number:>2}/{len(stages)}] {stage.name} ...", flush=True)
        try:
            result = run_stage(stage, install=install, own_setup=own_setup)
        except KeyboardInterrupt:
            interrupted = True
            print(f"    {stage.name}: interrupted", flush=True)
            break
        results.append(result)
        reason = f": {result.reason}" if result.outcome == "skipped" else ""
        print(f"        {result.outcome} in {result.seconds:.1f} s{reason}", flush=True)
        if result.outcome == "failed":
            show_failure(result)
    show_table(results)
    print(f"\nin {(time.monotonic() - started) / 60:.1f} min; logs are in .lab/test/")
    print(closing_line(results), flush=True)
    if interrupted:
        return INTERRUPTED
    return 1 if any(result.outcome == "failed" for result in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
