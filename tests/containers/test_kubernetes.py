"""deploy/ against the schemas of Kubernetes, and what it promises: equal budgets, Guaranteed QoS, no rights."""

import copy
import unittest
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from labtools import images
from labtools.lab_toml import Lab
from labtools.paths import ROOT

VERSION = "1.37"
# k6-operator's own CRD cannot be had from the registries this is tested with: the fields that we use, as its documents
# name them, beside the version whose CRD (strict) accepted all TestRuns once: see docs/KUBERNETES.md.
TEST_RUN = {"parallelism": int, "script": dict, "arguments": str, "quiet": str, "runner": dict}
RUNNER = {"image", "env", "resources", "securityContext"}


def objects(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


class Deploy(unittest.TestCase):
    def setUp(self) -> None:
        self.lab = Lab()

    def valid(self, one: dict[str, Any]) -> None:
        try:
            kubernetes_validate.validate(one, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            self.fail(f"{one['kind']} {one['metadata'].get('name')}: {'.'.join(map(str, error.path))}: {error.message}")

    def applied(self, mode: str) -> list[dict[str, Any]]:
        """Base and overlay put together as kustomize does it: a patch finds its object by kind and name."""
        base = [one for file in sorted((ROOT / "deploy/base").glob("*.yaml")) if file.stem != "kustomization" for one in objects(file)]
        folder = ROOT / "deploy/overlays" / mode
        patches = {one["metadata"]["name"]: one for one in objects(folder / "resources.yaml")}
        out = copy.deepcopy(base) + objects(folder / "budgets.yaml")
        for one in out:
            if one["kind"] in ("Deployment", "StatefulSet"):
                patch = patches.pop(one["metadata"]["name"])
                self.assertEqual((patch["apiVersion"], patch["kind"]), (one["apiVersion"], one["kind"]))
                (container,), (change,) = (x["spec"]["template"]["spec"]["containers"] for x in (one, patch))
                self.assertEqual(container["name"], change["name"])
                container["resources"] = change["resources"]
        self.assertEqual(patches, {}, "patches of nothing")
        return out

    def test_schemas(self) -> None:
        for mode in self.lab.modes:
            for one in self.applied(mode):
                with self.subTest(mode=mode, kind=one["kind"], name=one["metadata"]["name"]):
                    self.valid(one)

    def test_the_check_can_fail(self) -> None:
        one = next(one for one in self.applied("single") if one["kind"] == "Deployment")
        one["spec"]["template"]["spec"]["containers"][0]["resource"] = {}
        with self.assertRaises(self.failureException):
            self.valid(one)

    def test_guaranteed_and_equal(self) -> None:
        for mode, m in self.lab.modes.items():
            seen = {}
            for one in self.applied(mode):
                if one["kind"] not in ("Deployment", "StatefulSet"):
                    continue
                self.assertEqual(one["spec"]["replicas"], 1)
                for container in one["spec"]["template"]["spec"]["containers"]:
                    resources = container["resources"]
                    self.assertEqual(resources["requests"], resources["limits"])
                    self.assertEqual(set(resources["limits"]), {"cpu", "memory"}, "Guaranteed needs both")
                    seen[container["name"]] = resources["limits"]["cpu"]
            services = {image.service: str(m["cpus"]) for _, image in images.runnable(self.lab)}
            self.assertEqual(seen, services | {"postgres": str(m["postgres_cpus"])})

    def test_budgets(self) -> None:
        for mode in self.lab.modes:
            found = {one["metadata"]["name"]: one["data"] for one in objects(ROOT / "deploy/overlays" / mode / "budgets.yaml")}
            for target, image in images.runnable(self.lab):
                self.assertEqual(found[f"budget-{image.service}"], self.lab.mode_variables(mode, target))

    def test_no_rights(self) -> None:
        for one in self.applied("single"):
            if one["kind"] in ("Deployment", "StatefulSet"):
                pod = one["spec"]["template"]["spec"]
                self.assertFalse(pod["automountServiceAccountToken"])
                for container in pod["containers"]:
                    context = container["securityContext"]
                    self.assertTrue(context["runAsNonRoot"] and context["readOnlyRootFilesystem"])
                    self.assertFalse(context["allowPrivilegeEscalation"])
                    self.assertEqual(context["capabilities"], {"drop": ["ALL"]})

    def test_loads(self) -> None:
        for mode, m in self.lab.modes.items():
            for target, image in images.runnable(self.lab):
                with self.subTest(mode=mode, target=target.name):
                    (run,) = objects(ROOT / "deploy/load" / mode / f"{image.service}.yaml")
                    self.assertEqual((run["apiVersion"], run["kind"]), ("k6.io/v1alpha1", "TestRun"))
                    spec = run["spec"]
                    self.assertEqual({name: type(value) for name, value in spec.items()}, TEST_RUN)
                    self.assertEqual(set(spec["runner"]), RUNNER)
                    self.assertEqual(spec["runner"]["resources"]["limits"]["cpu"], str(m["load_cpus"]))
                    env = {one["name"]: one["value"] for one in spec["runner"]["env"]}
                    self.assertEqual(env["BENCH_BASE_URL"], f"http://{image.service}:{target.port}")
                    # What the operator hands on to the pod is checked as part of one.
                    container = {
                        "name": "k6",
                        "image": spec["runner"]["image"],
                        "env": spec["runner"]["env"],
                        "resources": spec["runner"]["resources"],
                    }
                    pod_spec = {"containers": [container], "securityContext": spec["runner"]["securityContext"]}
                    self.valid({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "k6"}, "spec": pod_spec})


if __name__ == "__main__":
    unittest.main()
