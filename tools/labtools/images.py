"""Which image each target of lab.toml runs in, and under which name."""

from typing import NamedTuple

from .lab_toml import Lab, Target
from .paths import ROOT

TAG = "local"
FOLDER = ROOT / "containers"


def name(dockerfile: str) -> str:
    """The image that a Dockerfile of containers/ makes."""
    return f"bench-frameworks/{dockerfile}:{TAG}"


class Image(NamedTuple):
    """One target as a service of compose or Kubernetes."""

    service: str
    dockerfile: str

    @property
    def name(self) -> str:
        """The image."""
        return name(self.dockerfile)


# A target that is not here is the service and the Dockerfile of its own name.
KNOWN = {
    "go": Image("go-api", "go-api"),
    "python": Image("py-api", "py-api"),
    "rust-sqlx": Image("rust-api", "rust-api"),
    "rust-tokio-postgres": Image("rust-api-tokio-postgres", "rust-api"),
}


def of(target: Target) -> Image:
    """The image of a target."""
    return KNOWN.get(target.name, Image(target.name, target.name))


def runnable(lab: Lab) -> list[tuple[Target, Image]]:
    """Targets with a Dockerfile in containers/, in the order of lab.toml."""
    return [(t, of(t)) for t in lab.targets if (FOLDER / f"{of(t).dockerfile}.Dockerfile").is_file()]


def without(lab: Lab) -> list[str]:
    """Targets that have none: named in the generated files, never left out in silence."""
    have = {target.name for target, _ in runnable(lab)}
    return [target.name for target in lab.targets if target.name not in have]
