"""Bad input and bad luck, on the real `bench`: each ends in one clear error or in one invalid repetition with its reason.

Needs `bench` and the service go, as ./lab sets them up.

    tests/bad_input/run.py            all cases
    tests/bad_input/run.py full_disk  some of them
"""

import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import during  # noqa: E402
import refused  # noqa: E402
from labtest.lab import TestLab  # noqa: E402

CASES: list[Callable[[TestLab], None]] = [
    refused.unknown_key,
    refused.non_dividing_pool,
    refused.missing_program,
    refused.service_not_built,
    refused.unknown_names,
    refused.filters,
    refused.too_few_cpus,
    refused.port_taken,
    refused.wrong_contract,
    refused.two_runners,
    during.read_only_results,
    during.full_disk,
    during.no_cgroup_rights,
    during.oversubscribed,
    during.clock_jump,
    during.crashes,
    during.postgres_killed,
]


def main(names: list[str]) -> None:
    """Runs the cases, all of them, and tells at the end which ones did not go as promised."""
    known = [case.__name__ for case in CASES]
    if unknown := set(names) - set(known):
        sys.exit(f"no such case: {' '.join(unknown)}; there are: {' '.join(known)}")
    told = []
    failed = 0
    for case in CASES:
        if names and case.__name__ not in names:
            continue
        print(f"\n=== {case.__name__}: {case.__doc__}", flush=True)
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="bench-bad-input-") as folder:
            Path(folder).chmod(0o755)
            try:
                case(TestLab(Path(folder, "lab")))
                outcome = "as promised"
            except during.Skipped as why:
                outcome = f"SKIPPED: {why}"
            except (SystemExit, Exception) as why:
                traceback.print_exc()
                failed += 1
                outcome = f"FAILED: {why}"
            finally:
                during.Running.end_all()
        told.append(f"{case.__name__:<20} {time.monotonic() - started:5.1f} s  {outcome}")
    print("\n" + "\n".join(told))
    if failed:
        sys.exit(f"{failed} cases failed")


if __name__ == "__main__":
    main(sys.argv[1:])
