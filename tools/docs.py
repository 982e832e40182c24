"""The documents are checked and made fresh by this.

python3 tools/docs.py                check: links, generated parts, and every command (the stage `docs`)
python3 tools/docs.py --write        make the generated parts anew
python3 tools/docs.py --markdown X   print a generated table: targets, profiles, recipes or stages
"""

import argparse
import sys
from collections import Counter

from labdocs import commands, generated
from labdocs.facts import FACTS
from labdocs.links import broken_links
from labdocs.symptoms import unknown_symptoms
from labtools.say import LabError, say


def check() -> int:
    """All checks; the summary counts what was run, what stages run, and what is not run, with the reasons."""
    from test_stages import STAGES  # noqa: PLC0415  only the check needs it

    problems = [*broken_links(), *unknown_symptoms(), *commands.strays(), *generated.stale_parts()]
    stages = frozenset(stage.name for stage in STAGES)
    outcomes = [commands.judge(block, stages) for block in commands.all_blocks()]
    problems += [f"{outcome.block.place}: {outcome.detail}" for outcome in outcomes if outcome.kind == "failed"]
    counts = Counter(outcome.kind for outcome in outcomes)
    by_stage = Counter(outcome.detail for outcome in outcomes if outcome.kind == "by stage")
    print(f"\n{generated.count()} generated parts are fresh or named below; blocks of commands: {counts['run']} run here")
    print(f"{counts['by stage']} run by stages: {', '.join(f'{stage} ({n})' for stage, n in sorted(by_stage.items()))}")
    print(f"{counts['not run']} not run:")
    for outcome in outcomes:
        if outcome.kind == "not run":
            print(f"  {outcome.block.place}: {outcome.detail}")
    for problem in problems:
        print(f"docs: {problem}")
    print(f"{len(problems)} problems")
    return 1 if problems else 0


def main() -> int:
    """0 when all holds, 1 with the problems, 2 when a program is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="make the generated parts anew")
    parser.add_argument("--markdown", choices=sorted(FACTS), help="print one generated table")
    options = parser.parse_args()
    try:
        if options.markdown:
            print(FACTS[options.markdown]())
        elif options.write:
            for page in generated.write_all():
                say(f"made anew: {page}")
        else:
            return check()
    except LabError as error:
        say(str(error))
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
