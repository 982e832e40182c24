"""The record of requests: complete, and the same requests that k6 counts."""

import unittest

from fake_service import Service
from handover import Handover, quantile
from script import CLOSED, ScriptTest

OPEN = {**CLOSED, "executor": "constant-arrival-rate", "rate": 40, "vus": 8, "think_time_ms": 0}
QUANTILES = {"min": 0, "p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999, "max": 1}


class RecordTest(ScriptTest):
    def check(self, profile, fault="none", delay_s=0.0, warmup=True, **env):
        """Runs and compares the record to the summary; returns both."""
        with Service(self.data, fault=fault, on="user", delay_s=delay_s) as service:
            process, summary = self.recorded(service.url, profile, **env)
        self.assertEqual(process.returncode, 0, process.stderr)
        handover = Handover(self.console)
        self.assertEqual(sorted(handover.ends), list(range(1, profile["vus"] + 1)))
        self.assertEqual({end["vus"] for end in handover.ends.values()}, {profile["vus"]})
        for phase in ["warmup", "measure"] if warmup else ["measure"]:
            rows = [row for row in handover.rows if row.phase == phase]
            self.assertEqual(len(rows), summary[phase]["http_reqs"], phase)
            failed = sum(not 200 <= row.status < 400 for row in rows)
            self.assertEqual(failed, summary[phase]["http_req_failed"], phase)
        self.compare(handover, summary["measure"])
        return process, handover, summary

    def compare(self, handover, measure):
        measured = [row for row in handover.rows if row.phase == "measure"]
        groups = [(measured, measure["http_req_duration"])]
        for name, figures in measure["endpoints"].items():
            rows = [row for row in measured if row.endpoint == name]
            self.assertEqual(len(rows), figures["http_reqs"])
            groups.append((rows, figures["http_req_duration"]))
        for rows, trend in groups:
            if not rows:
                continue
            durations = [row.duration_ms for row in rows]
            figures = {name: quantile(durations, p) for name, p in QUANTILES.items()}
            figures["avg"] = sum(durations) / len(durations)
            for name, figure in figures.items():
                self.assertLessEqual(abs(figure - trend[name]), 1e-6 * trend[name], name)
            self.assertTrue(all(0 <= row.waiting_ms <= row.duration_ms for row in rows))

    def assert_starts_within(self, handover, seconds):
        starts = [row.start_ms for row in handover.rows if row.phase == "measure"]
        self.assertLessEqual(max(starts) - min(starts), seconds * 1000)


class Complete(RecordTest):
    def test_constant_vus(self):
        process, handover, _ = self.check(CLOSED)
        self.assertEqual((process.stdout, process.stderr, handover.messages), ("", "", []))
        self.assert_starts_within(handover, 1)

    def test_told_while_it_runs(self):
        """Eight of twelve users tell, and what they tell is true; the record is as without."""
        _, handover, _ = self.check({**CLOSED, "vus": 12, "measure_s": 2.5}, BENCH_LIVE="1")
        self.assertEqual({line.split(" ")[0] for line in handover.messages}, {"BENCH-LIVE"})
        told = [float(word) for line in handover.messages for word in line.split(" ")[1:]]
        known = [row.duration_ms for row in handover.rows if row.phase == "measure" and row.vu <= 8]
        self.assertGreater(len(told), len(known) / 2)
        self.assertTrue({round(ms, 3) for ms in told} <= {round(ms + step / 1e3, 3) for ms in known for step in (-1, 0, 1)})

    def test_without_think_time(self):
        _, handover, summary = self.check({**CLOSED, "think_time_ms": 0, "vus": 4})
        self.assert_starts_within(handover, 1)
        self.assertEqual(summary["total"]["vus_max"], 4)

    def test_ramping_vus(self):
        _, handover, summary = self.check({**CLOSED, "executor": "ramping-vus", "vus": 4, "steps": 2, "measure_s": 2})
        self.assert_starts_within(handover, 2)
        self.assertEqual(summary["total"]["vus_max"], 4)

    def test_constant_arrival_rate(self):
        process, handover, summary = self.check(OPEN)
        self.assertEqual((process.stdout, process.stderr, handover.messages), ("", "", []))
        self.assertEqual((summary["measure"]["dropped_iterations"], summary["total"]["vus_max"]), (0, 8))

    def test_ramping_arrival_rate(self):
        self.check({**OPEN, "executor": "ramping-arrival-rate", "rate": 60, "steps": 2})

    def test_more_users_than_arrivals(self):
        self.check({**OPEN, "rate": 3, "vus": 20, "measure_s": 2})

    def test_think_time_longer_than_the_tail(self):
        self.check({**CLOSED, "think_time_ms": 700, "measure_s": 3, "vus": 6})

    def test_many_parts_of_one_user(self):
        only_users = {**CLOSED, "vus": 1, "measure_s": 4, "think_time_ms": 0, "mix": {"user": 1}}
        _, handover, _ = self.check(only_users)
        self.assertGreater(handover.ends[1]["parts"], 2, "more than one part of the measurement")
        starts = [row.start_ms for row in handover.rows]
        self.assertEqual(starts, sorted(starts))


class SlowAndFailing(RecordTest):
    def test_last_requests_that_end_after_the_scenario(self):
        # Longer than the tail of the scenario: these users find no other iteration in which to hand over.
        _, handover, _ = self.check({**CLOSED, "vus": 3, "measure_s": 2, "think_time_ms": 0}, delay_s=0.8, warmup=False)
        self.assert_starts_within(handover, 2)

    def test_requests_without_an_answer(self):
        for profile in (CLOSED, OPEN):
            with self.subTest(executor=profile["executor"]):
                _, handover, _ = self.check(profile, fault="hang-up")
                user = [row for row in handover.rows if row.endpoint == "user"]
                self.assertEqual({row.status for row in user}, {0})
                self.assertIn("wrong answer to GET", handover.messages[0])

    def test_requests_that_time_out(self):
        for profile in ({**CLOSED, "vus": 4}, {**OPEN, "rate": 4}):
            with self.subTest(executor=profile["executor"]):
                _, handover, summary = self.check(profile, delay_s=3.3, warmup=False)
                measured = [row for row in handover.rows if row.phase == "measure"]
                self.assertEqual({row.status for row in measured}, {0})
                self.assertEqual(summary["measure"]["http_req_failed"], len(measured))

    def test_statuses(self):
        _, handover, _ = self.check(CLOSED, fault="status")
        self.assertEqual({(row.endpoint, row.status) for row in handover.rows}, {("user", 503), ("users", 200)})


class Limits(RecordTest):
    def test_rows_that_do_not_fit_are_counted_and_told(self):
        with Service(self.data) as service:
            process, summary = self.recorded(service.url, BENCH_RECORD_ROWS="40")
        self.assertEqual(process.returncode, 0, process.stderr)
        handover = Handover(self.console)
        rows, dropped = (sum(end[what] for end in handover.ends.values()) for what in ("rows", "dropped"))
        # Parts of other endpoints may not be full when there is no room any more.
        self.assertTrue(30 <= rows <= 40, rows)
        self.assertGreater(dropped, 0)
        self.assertEqual(rows + dropped, summary["warmup"]["http_reqs"] + summary["measure"]["http_reqs"])
        self.assertEqual(len(handover.messages), 2)
        self.assertRegex(handover.messages[0], r"^user \d of the load dropped \d+ rows: its record holds \d+")

    def test_a_record_needs_its_file(self):
        with Service(self.data) as service:
            process, _ = self.k6(service.url, BENCH_RECORD="1")
        self.assertEqual(process.returncode, 107)
        self.assertIn("--console-output=FILE", process.stderr)

    def test_impossible_settings(self):
        for name, value, words in [
            ("BENCH_RECORD", "yes", "BENCH_RECORD: 'yes' is neither"),
            ("BENCH_RECORD_ROWS", "1", "BENCH_RECORD_ROWS: '1' is not a whole number of 2 or more"),
        ]:
            with self.subTest(name=name):
                process, _ = self.k6("http://127.0.0.1:1", **{name: value})
                self.assertEqual(process.returncode, 107)
                self.assertIn(words, process.stderr)


if __name__ == "__main__":
    unittest.main()
