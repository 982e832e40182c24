"""`deploy/`: the lab on Kubernetes, from lab.toml."""

import json
from typing import Any

from . import images
from .compose import HEADER, environment, postgres_settings
from .lab_toml import Lab, Target

HEADER_K8S = HEADER.replace("docs/CONTAINERS.md", "docs/KUBERNETES.md")
NAMESPACE = "bench-frameworks"
# Guaranteed QoS needs a memory limit too. lab.toml has none, because no comparison is about memory: room enough for each.
MEMORY = "1Gi"
SCRIPT = "/lab/scripts/main.js"

Object = dict[str, Any]
HARDENED: Object = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
TMP: Object = {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "512Mi"}}
TMP_MOUNT: Object = {"name": "tmp", "mountPath": "/tmp"}


def meta(name: str) -> Object:
    """Name and labels, which selectors go by."""
    return {"name": name, "labels": {"app": name}}


def guaranteed(cpus: int, memory: str = MEMORY) -> Object:
    """Requests equal to limits, whole CPUs: with the static CPU manager the pod gets CPUs of its own."""
    amount = {"cpu": str(cpus), "memory": memory}
    return {"requests": amount, "limits": dict(amount)}


def secret(variable: str) -> Object:
    """A variable from the secret that deploy/base makes of secrets.env."""
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": "bench-secrets", "key": variable}}}


def literal(values: dict[str, str]) -> list[Object]:
    """Variables by name."""
    return [{"name": name, "value": value} for name, value in values.items()]


def service(name: str, port: int) -> Object:
    """A name in the cluster's DNS."""
    ports = [{"name": "tcp", "port": port, "targetPort": port}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta(name), "spec": {"selector": {"app": name}, "ports": ports}}


def pods(name: str, kind: str, pod: Object) -> Object:
    """A Deployment or StatefulSet of one pod; Recreate, because two pods would hold twice the connections."""
    spec: Object = {
        "replicas": 1,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
    }
    if kind == "StatefulSet":
        spec["serviceName"] = name
    else:
        spec["strategy"] = {"type": "Recreate"}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta(name), "spec": spec}


def postgres(lab: Lab) -> list[Object]:
    """The database: its data goes with the pod, as the runner's cluster goes with the run."""
    p = lab.postgres
    names = {"BENCH_DATABASE": "database", "BENCH_ROLE": "role", "BENCH_USERS": "users", "BENCH_SEED": "seed"}
    ready = {"exec": {"command": ["pg_isready", "-q", "-h", "127.0.0.1", "-d", p["database"]]}, "periodSeconds": 2}
    container = {
        "name": "postgres",
        "image": images.name("postgres"),
        "args": [word for name, value in postgres_settings(lab).items() for word in ("-c", f"{name}={value}")],
        "env": [secret("POSTGRES_PASSWORD"), secret("BENCH_API_PASSWORD"), *literal({v: str(p[key]) for v, key in names.items()})],
        "ports": [{"containerPort": 5432}],
        "readinessProbe": ready,
        "startupProbe": ready | {"failureThreshold": 90},
        "securityContext": HARDENED | {"runAsUser": 999, "runAsGroup": 999},
        "volumeMounts": [
            TMP_MOUNT,
            {"name": "data", "mountPath": "/var/lib/postgresql"},
            {"name": "shm", "mountPath": "/dev/shm"},
        ],
    }
    volumes = [TMP, {"name": "data", "emptyDir": {}}, {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "512Mi"}}]
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": {"fsGroup": 999},
        "containers": [container],
        "volumes": volumes,
    }
    return [service("postgres", 5432), pods("postgres", "StatefulSet", pod)]


def api(lab: Lab, target: Target, image: images.Image) -> list[Object]:
    """One target, without its budget."""
    # $(NAME) is filled by the kubelet, from the variable before it.
    values = {name: value.replace("${BENCH_API_PASSWORD}", "$(BENCH_API_PASSWORD)") for name, value in environment(lab, target).items()}

    def probe(path: str) -> Object:
        return {"httpGet": {"path": path, "port": target.port}, "periodSeconds": 2, "timeoutSeconds": 3}

    container = {
        "name": image.service,
        "image": image.name,
        "args": target.arguments,
        "env": [secret("BENCH_API_PASSWORD"), *literal(values)],
        "envFrom": [{"configMapRef": {"name": f"budget-{image.service}"}}],
        "ports": [{"containerPort": target.port}],
        # A database that is away is no reason to restart a service.
        "livenessProbe": probe("/healthz"),
        "readinessProbe": probe("/readyz"),
        "securityContext": HARDENED | {"runAsUser": 65534, "runAsGroup": 65534},
        "volumeMounts": [TMP_MOUNT],
    }
    pod = {"automountServiceAccountToken": False, "containers": [container], "volumes": [TMP]}
    return [service(image.service, target.port), pods(image.service, "Deployment", pod)]


def network(lab: Lab) -> Object:
    """Postgres answers the services only."""
    allowed = [image.service for _, image in images.runnable(lab)]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": meta("postgres"),
        "spec": {
            "podSelector": {"matchLabels": {"app": "postgres"}},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [{"podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": allowed}]}}],
                    "ports": [{"port": 5432}],
                }
            ],
        },
    }


def kustomization(**fields: object) -> Object:
    """A kustomization.yaml."""
    return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", **fields}


def overlay(lab: Lab, mode: str) -> dict[str, list[Object]]:
    """The budgets of a mode: resources as patches, variables as config maps."""
    budgets = []
    resources = [patch("StatefulSet", "postgres", lab.modes[mode]["postgres_cpus"])]
    for target, image in images.runnable(lab):
        data = lab.mode_variables(mode, target)
        budgets.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(f"budget-{image.service}"), "data": data})
        resources.append(patch("Deployment", image.service, lab.modes[mode]["cpus"]))
    top = kustomization(namespace=NAMESPACE, resources=["../../base", "budgets.yaml"], patches=[{"path": "resources.yaml"}])
    return {"kustomization.yaml": [top], "budgets.yaml": budgets, "resources.yaml": resources}


def patch(kind: str, name: str, cpus: int) -> Object:
    """The resources of one pod's one container."""
    pod = {"spec": {"containers": [{"name": name, "resources": guaranteed(cpus)}]}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": {"template": pod}}


def test_run(lab: Lab, mode: str, target: Target, image: images.Image) -> Object:
    """The load on one target, as k6-operator's TestRun. One after the other: they share Postgres."""
    values = {
        "BENCH_BASE_URL": f"http://{image.service}:{target.port}",
        "BENCH_PROFILE": json.dumps({key: value for key, value in lab.profile.items() if key != "title"}),
        "BENCH_USERS": str(lab.postgres["users"]),
        # The pod's log is to be the rows alone.
        "BENCH_SUMMARY": "/dev/null",
        "K6_CSV_TIME_FORMAT": "unix_micro",
        **lab.k6_variables(mode),
    }
    runner = {
        "image": images.name("k6"),
        "env": literal(values),
        # Room beside what k6 keeps before it collects garbage.
        "resources": guaranteed(lab.modes[mode]["load_cpus"], f"{lab.generator['memory_mib'] + 512}Mi"),
        "securityContext": {"runAsNonRoot": True, "runAsUser": 12345, "runAsGroup": 12345},
    }
    return {
        "apiVersion": "k6.io/v1alpha1",
        "kind": "TestRun",
        # generateName: a repetition is `kubectl create` once more.
        "metadata": {"generateName": f"load-{image.service}-", "namespace": NAMESPACE},
        "spec": {
            "parallelism": 1,
            "script": {"localFile": SCRIPT},
            # One row a request, as k6 has it, into the pod's log: `analyze import` reads it (docs/KUBERNETES.md).
            "arguments": "--quiet --no-usage-report --no-color --out csv=-",
            "quiet": "true",
            "runner": runner,
        },
    }


def yaml(value: object, indent: int = 0) -> str:
    """A value as block YAML; texts as JSON has them, which YAML reads the same."""
    pad = " " * indent
    if isinstance(value, dict) and value:
        return "".join(f"{pad}{key}:{child(item, indent)}" for key, item in value.items())
    if isinstance(value, list) and value:
        # "- " takes the place of the first two spaces of what follows.
        return "".join(f"{pad}- {child(item, indent).lstrip()}" for item in value)
    return f"{pad}{json.dumps(value, ensure_ascii=False)}\n"


def child(value: object, indent: int) -> str:
    """What stands behind a key or a dash: on the same line when it is a scalar, or empty."""
    if isinstance(value, (dict, list)) and value:
        return "\n" + yaml(value, indent + 2)
    return f" {json.dumps(value, ensure_ascii=False)}\n"


def text(objects: list[Object]) -> str:
    """A file of some objects."""
    return HEADER_K8S + "".join(f"---\n{yaml(one)}" for one in objects)


def files(lab: Lab) -> dict[str, str]:
    """Path -> text."""
    everything = {"namespace.yaml": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}]}
    everything["postgres.yaml"] = [*postgres(lab), network(lab)]
    for target, image in images.runnable(lab):
        everything[f"{image.service}.yaml"] = api(lab, target, image)
    secrets = [{"name": "bench-secrets", "envs": ["secrets.env"]}]
    everything["kustomization.yaml"] = [kustomization(namespace=NAMESPACE, resources=list(everything), secretGenerator=secrets)]
    out = {f"deploy/base/{name}": text(objects) for name, objects in everything.items()}
    out["deploy/base/secrets.env.example"] = (
        HEADER_K8S + "# cp secrets.env.example secrets.env, then change both. Letters and digits only.\n"
        "POSTGRES_PASSWORD=change-me-owner\nBENCH_API_PASSWORD=change-me-services\n"
    )
    for mode in lab.modes:
        for name, objects in overlay(lab, mode).items():
            out[f"deploy/overlays/{mode}/{name}"] = text(objects)
        for target, image in images.runnable(lab):
            out[f"deploy/load/{mode}/{image.service}.yaml"] = text([test_run(lab, mode, target, image)])
    return out
