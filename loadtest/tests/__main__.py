"""All tests of the load script, a few at a time: each waits for a k6 of its own, which mostly sleeps.

python3 loadtest/tests [PART OF A TEST'S NAME]
"""

import concurrent.futures
import sys
import unittest
from pathlib import Path

AT_ONCE = 4


def cases(suite):
    """The single tests of a suite."""
    for test in suite:
        yield from cases(test) if isinstance(test, unittest.TestSuite) else [test]


def run(case):
    """One test, with a result of its own."""
    result = unittest.TestResult()
    case.run(result)
    return case, result


def main():
    """0 when every test passed, 1 when one did not, 2 when there was none."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    found = unittest.TestLoader().discover(str(Path(__file__).parent))
    chosen = [case for case in cases(found) if wanted in case.id()]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for case, result in pool.map(run, chosen):
            print(f"{'ok' if result.wasSuccessful() else 'FAILED':6} {case.id()}", flush=True)
            for _, text in result.failures + result.errors:
                print(text)
            failed += not result.wasSuccessful()
    print(f"{len(chosen)} tests, {failed} failed")
    return 2 if not chosen else min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
