"""Reads what the load script hands over, as ../README.md describes it."""

import base64
import json
import struct
from typing import NamedTuple


class Row(NamedTuple):
    vu: int
    start_ms: int
    duration_ms: float
    waiting_ms: float
    status: int
    endpoint: str
    phase: str


class Handover:
    """`rows` in the order of each user, `ends` by user, `messages`: the other lines."""

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
                _, vu, number, data = line.split(" ")
                known = parts.setdefault(int(vu), [])
                assert int(number) == len(known), f"user {vu} hands over part {number} after {len(known)}"
                known.append(base64.b64decode(data, validate=True))
            else:
                self.messages.append(line)
        assert not parts, f"no end from {sorted(parts)}"

    def _take(self, end, parts):
        assert len(parts) == end["chunks"]
        rows = list(struct.iter_unpack("<3d", b"".join(parts)))
        assert len(rows) == end["rows"]
        for packed, duration_ms, waiting_ms in rows:
            code = int(packed)
            assert code == packed
            endpoint, phase = end["endpoints"][code // 8 % 8], end["phases"][code % 8]
            start_ms = end["base_ms"] + code // 65536
            self.rows.append(Row(end["vu"], start_ms, duration_ms, waiting_ms, code // 64 % 1024, endpoint, phase))


def quantile(values, p):
    """Type 7: linear interpolation between order statistics."""
    ordered = sorted(values)
    at = (len(ordered) - 1) * p
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)
