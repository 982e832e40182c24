#!/opt/python/bin/python3.11
"""`curl -fsS URL`, for a guest without it: prints the body, 22 on an error status."""

import sys
import urllib.error
import urllib.request

try:
    with urllib.request.urlopen(sys.argv[-1], timeout=10) as answer:
        sys.stdout.write(answer.read().decode())
except urllib.error.HTTPError as error:
    sys.exit(f"curl: (22) {error.code}")
except OSError as error:
    sys.exit(f"curl: (7) {error}")
