"""What a repetition in containers must show to count, and where the figures come from."""

import dataclasses
import tempfile
import unittest
from pathlib import Path

from labtools import cgroup, images
from labtools.container_bench import Plan, judge
from labtools.lab_toml import Lab

SUMMARY = {"measure": {"http_reqs": 1000, "http_req_failed": 0, "failed_checks": 0, "dropped_iterations": 0}}


class Judge(unittest.TestCase):
    def setUp(self) -> None:
        lab = Lab()
        self.plan = Plan(lab, "single", dict(lab.profile), 3, 1, images.runnable(lab))
        groups = self.plan.quotas()
        self.before: dict[str, cgroup.Usage | None] = {g: cgroup.Usage(float(q), 1.0, 10, 0) for g, q in groups.items()}
        self.after: dict[str, cgroup.Usage | None] = {g: cgroup.Usage(float(q), 4.0, 110, 2) for g, q in groups.items()}

    def judge(self, wall_s: float = 10, summary: object = SUMMARY) -> list[str]:
        return judge(self.plan, self.before, self.after, wall_s, summary)  # type: ignore[arg-type]

    def changed(self, group: str, **fields: float | None) -> None:
        usage = self.after[group]
        assert usage is not None
        self.after[group] = dataclasses.replace(usage, **fields)  # type: ignore[arg-type]

    def test_all_kept(self) -> None:
        self.assertEqual(self.judge(), [])

    def test_no_quota(self) -> None:
        self.changed("service", quota_cpus=None)
        self.assertEqual(self.judge(), ["service: promised a quota of 1 CPU, in force is None"])

    def test_another_quota(self) -> None:
        self.changed("postgres", quota_cpus=2.0)
        self.assertIn("postgres: promised a quota of 1 CPU, in force is 2.0", self.judge())

    def test_not_seen_is_no_pass(self) -> None:
        self.after["service"] = None
        self.assertEqual(self.judge(), ["service: its cgroup cannot be seen from here"])

    def test_saturated_generator(self) -> None:
        self.changed("k6", cpu_s=1.0 + 9.5)
        self.assertIn("saturated", " ".join(self.judge()))

    def test_answers(self) -> None:
        self.assertEqual(self.judge(summary=None), ["no summary of k6"])
        wrong = {"measure": SUMMARY["measure"] | {"failed_checks": 2}}
        self.assertEqual(self.judge(summary=wrong), ["0 failed and 2 wrong of 1000 answers"])
        self.assertIn("could not start", " ".join(self.judge(summary={"measure": SUMMARY["measure"] | {"dropped_iterations": 1}})))

    def test_order(self) -> None:
        orders = [[t.name for t, _ in self.plan.order(block)] for block in range(1, 20)]
        self.assertEqual(orders, [[t.name for t, _ in self.plan.order(block)] for block in range(1, 20)], "it follows from the seed")
        self.assertTrue(all(sorted(order) == sorted(orders[0]) for order in orders), "each once a block")
        self.assertGreater(len({tuple(order) for order in orders}), 5, "random")


class Cgroup(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)

    def read(self) -> cgroup.Usage | None:
        return cgroup.read(7, self.root / "sys", self.root / "proc")

    def test_v2(self) -> None:
        self.write(
            {
                "proc/7/cgroup": "0::/engine/abc\n",
                "sys/engine/abc/cpu.max": "150000 100000\n",
                "sys/engine/abc/cpu.stat": "usage_usec 2500000\nuser_usec 1\nnr_periods 30\nnr_throttled 4\n",
            }
        )
        self.assertEqual(self.read(), cgroup.Usage(1.5, 2.5, 30, 4))
        self.write({"sys/engine/abc/cpu.max": "max 100000\n"})
        self.assertEqual(self.read(), cgroup.Usage(None, 2.5, 30, 4))

    def test_v1(self) -> None:
        self.write(
            {
                "proc/7/cgroup": "3:cpu,cpuacct:/engine/abc\n0::/\n",
                "sys/cpu,cpuacct/engine/abc/cpu.cfs_quota_us": "100000\n",
                "sys/cpu,cpuacct/engine/abc/cpu.cfs_period_us": "100000\n",
                "sys/cpu,cpuacct/engine/abc/cpu.stat": "nr_periods 30\nnr_throttled 4\nthrottled_time 9\n",
                "sys/cpu,cpuacct/engine/abc/cpuacct.usage": "2500000000\n",
            }
        )
        self.assertEqual(self.read(), cgroup.Usage(1.0, 2.5, 30, 4))

    def test_nothing_to_see(self) -> None:
        self.assertIsNone(self.read())
        self.write({"proc/7/cgroup": "0::/elsewhere\n"})
        self.assertIsNone(self.read())


if __name__ == "__main__":
    unittest.main()
