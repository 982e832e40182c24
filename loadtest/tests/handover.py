"""Reads what the load script hands over, as ../README.md describes it."""

import array
import base64
import json
from typing import NamedTuple


class Row(NamedTuple):
    vu: int
    start_ms: float
    duration_ms: float
    waiting_ms: float
    status: int
    endpoint: str
    phase: str


class Handover:
    """`rows` in the order of the lines, `ends` by user, `messages`: the other lines."""

    def __init__(self, path):
        self.rows, self.ends, self.messages = [], {}, []
        parts = {}
        for line in path.read_text().splitlines():
            if line.startswith("BENCH-RECORD-END "):
                end = json.loads(line.removeprefix("BENCH-RECORD-END "))
                assert end["vu"] not in self.ends, f"user {end['vu']} ends twice"
                self.ends[end["vu"]] = end
                self._take(end, parts.pop(end["vu"], []))
            elif line.startswith("BENCH-RECORD "):
                _, vu, number, phase, endpoint, status, data = line.split(" ")
                known = parts.setdefault(int(vu), [])
                assert int(number) == len(known), f"user {vu} hands over part {number} after {len(known)}"
                known.append((phase, endpoint, int(status), base64.b64decode(data, validate=True)))
            else:
                self.messages.append(line)
        assert not parts, f"no end from {sorted(parts)}"

    def _take(self, end, parts):
        assert len(parts) == end["parts"]
        rows = []
        for phase, endpoint, status, data in parts:
            numbers = array.array("d", data)
            count = len(numbers) // 3
            columns = [numbers[i * count : (i + 1) * count] for i in range(3)]
            rows += [Row(end["vu"], *row, status, endpoint, phase) for row in zip(*columns, strict=True)]
        assert len(rows) == end["rows"]
        self.rows += rows


def quantile(values, p):
    """Type 7: linear interpolation between order statistics."""
    ordered = sorted(values)
    at = (len(ordered) - 1) * p
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)
