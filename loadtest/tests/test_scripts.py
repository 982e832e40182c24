"""Runs the load script with a real k6 against a fake service.

    K6=/path/to/k6 python3 -m unittest discover -s loadtest/tests

K6 defaults to `k6` on the PATH. Python's standard library only.
"""

import unittest
from collections import Counter

from fake_service import PAGE, Data, Service, write_expected
from script import CLOSED, USERS, ScriptTest


class Executors(ScriptTest):
    def check_run(self, profile):
        with Service(self.data) as service:
            process, summary = self.k6(service.url, profile, BENCH_EXPECTED=self.expected())
        self.assertEqual((process.returncode, process.stdout, process.stderr), (0, "", ""))
        measure, warmup = summary["measure"], summary["warmup"]
        self.assertEqual((measure["failed_checks"], measure["http_req_failed"], warmup["failed_checks"]), (0, 0, 0))
        # Two requests of set-up belong to no phase, and the service was asked for all the others.
        self.assertEqual(summary["total"]["http_reqs"], measure["http_reqs"] + warmup["http_reqs"] + 2)
        self.assertEqual(len(service.asked), measure["http_reqs"] + warmup["http_reqs"])
        endpoints = measure["endpoints"]
        self.assertEqual(sum(e["http_reqs"] for e in endpoints.values()), measure["http_reqs"])
        for figures in [measure, *endpoints.values()]:
            d = figures["http_req_duration"]
            self.assertEqual(d["count"], figures["http_reqs"])
            self.assertGreater(d["count"], 0)
            order = [d[k] for k in ("min", "p50", "p90", "p95", "p99", "p999", "max")]
            self.assertEqual(order, sorted(order))
            self.assertTrue(d["min"] <= d["avg"] <= d["max"])
        return service, summary

    def test_constant_vus_uses_the_same_vus_in_both_phases(self):
        _, summary = self.check_run(CLOSED)
        self.assertEqual(summary["total"]["vus_max"], CLOSED["vus"])

    def test_a_warm_up_of_less_than_a_second(self):
        _, summary = self.check_run({**CLOSED, "warmup_s": 0.4})
        self.assertEqual(summary["total"]["vus_max"], CLOSED["vus"])
        self.assertGreater(summary["warmup"]["http_reqs"], 0)
        self.assertLess(summary["warmup"]["http_reqs"], summary["measure"]["http_reqs"])

    def test_ramping_vus(self):
        _, summary = self.check_run({**CLOSED, "executor": "ramping-vus", "vus": 4, "steps": 2, "measure_s": 2})
        self.assertEqual(summary["plan"]["levels"], [2, 4])
        self.assertEqual(summary["total"]["vus_max"], 4)

    def test_constant_arrival_rate(self):
        profile = {**CLOSED, "executor": "constant-arrival-rate", "rate": 40, "vus": 8, "think_time_ms": 0}
        _, summary = self.check_run(profile)
        self.assertAlmostEqual(summary["measure"]["http_reqs"], 40, delta=2)

    def test_ramping_arrival_rate_starts_at_its_first_step(self):
        profile = {**CLOSED, "executor": "ramping-arrival-rate", "rate": 60, "steps": 3, "vus": 8, "think_time_ms": 0, "measure_s": 3}
        _, summary = self.check_run(profile)
        self.assertEqual(summary["plan"]["levels"], [20, 40, 60])
        self.assertAlmostEqual(summary["warmup"]["http_reqs"], 20, delta=2)
        self.assertAlmostEqual(summary["measure"]["http_reqs"], 20 + 40 + 60, delta=6)

    def test_dropped_iterations_are_counted_for_their_phase(self):
        profile = {**CLOSED, "executor": "constant-arrival-rate", "rate": 100, "vus": 1, "think_time_ms": 0}
        with Service(self.data, delay_s=0.1) as service:
            _, summary = self.k6(service.url, profile)
        measure = summary["measure"]
        self.assertGreater(measure["dropped_iterations"], 50)
        self.assertAlmostEqual(measure["dropped_iterations"] + measure["http_reqs"], 100, delta=3)


class Requests(ScriptTest):
    def test_ids_and_pages_are_those_of_the_data(self):
        with Service(self.data) as service:
            self.k6(service.url)
        known = {f"/users/{user}" for user in self.data.ids}
        known |= {f"/users?limit={PAGE}&offset={offset}" for offset in range(0, USERS, PAGE)}
        self.assertLessEqual(set(service.asked), known)
        pages = [path for path in service.asked if "?" in path]
        self.assertEqual(len(set(pages)), 3)
        self.assertAlmostEqual(len(pages) / len(service.asked), 0.25, delta=0.1)

    def sequence(self, seed, executor="constant-vus"):
        profile = {**CLOSED, "vus": 1}
        if executor != "constant-vus":
            profile = {**profile, "executor": executor, "rate": 40, "vus": 4, "think_time_ms": 0}
        with Service(self.data) as service:
            self.k6(service.url, profile, BENCH_SEED=str(seed))
        # The two phases are streams of their own, of lengths that vary: compare the start of the warm-up.
        return service.asked[:30]

    def test_the_seed_decides_the_sequence(self):
        self.assertEqual(self.sequence(7), self.sequence(7))
        self.assertNotEqual(self.sequence(7), self.sequence(8))
        self.assertNotEqual(self.sequence(7), self.sequence(7 + 2**32), "the upper half of a large seed counts")

    def test_arrivals_are_one_sequence_whoever_serves_them(self):
        first, second = (self.sequence(7, "constant-arrival-rate") for _ in range(2))
        # Neighbours may overtake each other on the way, so the ends of two equal stretches differ: compare the inner part.
        for one, other in ((first, second), (second, first)):
            self.assertEqual(Counter(one[:20]) - Counter(other), Counter(), (first, second))


class WrongAnswers(ScriptTest):
    def faulty(self, fault, on, **env):
        with Service(self.data, fault=fault, on=on) as service:
            process, summary = self.k6(service.url, **env)
        measure = summary["measure"]
        self.assertEqual(measure["failed_checks"], measure["endpoints"][on]["http_reqs"], process.stderr)
        self.assertGreater(measure["failed_checks"], 0)
        self.assertIn("wrong answer to GET", process.stderr)
        self.assertEqual(process.stdout, "")
        return summary, process.stderr

    def test_every_fault_is_found_on_both_endpoints(self):
        for fault, on, words in [
            ("status", "user", "status 503"),
            ("status", "users", "status 503"),
            ("type", "user", "Content-Type"),
            ("type", "users", "Content-Type"),
            ("start", "user", "does not begin with"),
            ("end", "users", "does not end with"),
            ("redirect", "user", "status 302"),
        ]:
            with self.subTest(fault=fault, on=on):
                self.assertIn(words, self.faulty(fault, on)[1])

    def test_exact_lengths_are_in_bytes(self):
        for on in ("user", "users"):
            with self.subTest(on=on):
                self.assertIn("bytes, not", self.faulty("byte", on, BENCH_EXPECTED=self.expected())[1])

    def test_content_is_compared_now_and_then(self):
        for on in ("user", "users"):
            with self.subTest(on=on), Service(self.data, fault="content", on=on) as service:
                process, summary = self.k6(service.url, BENCH_EXPECTED=self.expected())
                asked, failed = summary["measure"]["endpoints"][on]["http_reqs"], summary["measure"]["failed_checks"]
                self.assertTrue(0 < failed < asked, f"{failed} of {asked}")
                self.assertIn("not what the database holds", process.stderr)

    def test_a_bad_status_is_also_failed_for_k6(self):
        summary, _ = self.faulty("status", "user")
        self.assertEqual(summary["measure"]["http_req_failed"], summary["measure"]["endpoints"]["user"]["http_reqs"])

    def test_body_bytes_are_exact_for_the_bodies_counted(self):
        only_pages = {**CLOSED, "mix": {"users": 1}, "think_time_ms": 0}
        data = Data(PAGE)  # one page: each body has the same length
        with Service(data) as service:
            _, summary = self.k6(service.url, only_pages, BENCH_USERS=str(PAGE))
        page = summary["measure"]["endpoints"]["users"]
        self.assertGreater(page["bodies"], 0)
        self.assertEqual(page["body_bytes"], page["bodies"] * data.expected()["users"][0])
        self.assertLessEqual(page["bodies"], page["http_reqs"])


class Refusals(ScriptTest):
    def refused(self, url, words, exit_code, **arguments):
        process, summary = self.k6(url, **arguments)
        self.assertEqual(process.returncode, exit_code, process.stderr)
        self.assertIn(words, process.stderr)
        return summary

    def test_nothing_listens(self):
        with Service(self.data) as service:
            url = service.url
        self.refused(url, "does not answer", 107)

    def test_a_service_that_is_not_ready(self):
        with Service(self.data, ready=False) as service:
            self.refused(service.url, "/readyz answers 503", 107)
            self.assertEqual(service.asked, [])

    def test_other_data(self):
        with Service(Data(USERS - 1)) as service:
            self.refused(service.url, f"(user {USERS}) answers 404", 107)
            self.assertEqual(service.asked, [])

    def test_profiles_that_cannot_be_meant(self):
        for change, words in [
            ({"executor": "shared-iterations"}, "executor 'shared-iterations'"),
            ({"mix": {"user": 1, "groups": 1}}, "mix has 'groups'"),
            ({"mix": {}}, "mix has no weight"),
            ({"vus": 0}, "vus: '0'"),
            ({"measure_s": 0.5}, "measure_s"),
            ({"executor": "constant-arrival-rate", "think_time_ms": 0}, "rate"),
            ({"executor": "constant-arrival-rate", "rate": 10}, "think_time_ms"),
        ]:
            with self.subTest(change=change):
                self.refused("http://127.0.0.1:1", words, 107, profile={**CLOSED, **change})

    def test_lengths_for_other_data(self):
        path = self.folder / "expected.json"
        write_expected(path, Data(USERS + 1))
        self.refused("http://127.0.0.1:1", "'user' must have one length", 107, BENCH_EXPECTED=str(path))

    def test_a_seed_that_is_no_number(self):
        self.refused("http://127.0.0.1:1", "BENCH_SEED: 'x'", 107, BENCH_SEED="x")


class ByHand(ScriptTest):
    def test_without_a_runner_a_few_lines_tell_the_result(self):
        with Service(Data(USERS)) as service:
            process, _ = self.k6(service.url, profile=None, BENCH_SUMMARY="")
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertIn("requests in 4 s after 1 s of warm-up", process.stdout)
        self.assertIn("p99", process.stdout)


if __name__ == "__main__":
    unittest.main()
