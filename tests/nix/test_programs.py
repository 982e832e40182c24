"""Shell programs that Nix writes: shellcheck, the app of the machine against a fake driver, the seed on a real Postgres."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import host

# As writeShellApplication begins its programs.
HEAD = "#!/usr/bin/env bash\nset -o errexit\nset -o nounset\nset -o pipefail\n"


def program_texts() -> dict[str, str]:
    """The text of every shell application of the flake, by name."""
    done = host.expression(
        "map (p: builtins.attrNames (builtins.getContext p)) "
        "(map (a: a.program) (lib.attrValues lab.apps) ++ [ lab.seed.outPath ] "
        "++ map (i: builtins.head i.config.Entrypoint) [ lab.packages.image-postgres ])"
    )
    assert done.returncode == 0, done.stderr
    texts = {}
    for drv in {path for paths in json.loads(done.stdout) for path in paths}:
        [shown] = json.loads(host.nix("derivation", "show", drv).stdout).values()
        if "text" in shown["env"]:
            texts[shown["name"]] = shown["env"]["text"]
    return texts


class Shell(unittest.TestCase):
    """writeShellApplication runs shellcheck when it builds: so it must pass here."""

    def test_shellcheck(self) -> None:
        if not shutil.which("shellcheck"):
            self.skipTest("shellcheck is not on PATH (./lab test puts it there)")
        texts = program_texts()
        self.assertLessEqual({"bench-single", "bench-multi", "bench-contract", "images", "bench-seed", "bench-postgres"}, set(texts))
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for name, text in texts.items():
                path = Path(folder, name)
                path.write_text(HEAD + text)
                files.append(str(path))
            done = subprocess.run(["shellcheck", *files], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


class MachineApp(unittest.TestCase):
    """nix/vm-app.sh: what it refuses, what it hands on, which exit code it ends with."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.kvm = self.folder / "kvm"
        self.kvm.touch()
        self.driver_ends = 0
        self.status = "0"
        self.host_cpus = 8

    def program(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def run_app(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        self.program("nproc", f"echo {self.host_cpus}")
        driver = self.program(
            "driver",
            f'{{ echo driver "$@"; echo accel $BENCH_VM_ACCEL; cat $BENCH_VM_ARGUMENTS; }} > {log}; echo left > $TMPDIR/vm-state;'
            f'[ -z "{self.status}" ] || echo {self.status} > $BENCH_VM_STATUS; exit {self.driver_ends}',
        )
        bench = self.program("bench", f'echo bench "$@" > {log}; exit 7')
        text = (host.SETUP.tree / "nix/vm-app.sh").read_text().replace("/dev/kvm", str(self.kvm))
        script = self.folder / "app"
        script.write_text(f"{HEAD}mode=single\ncpus=3\ndriver={driver}\nbench={bench}\n{text}")
        env = {"PATH": f"{self.folder}:{os.environ['PATH']}", "BENCH_RESULTS": str(self.folder / "results"), "TMPDIR": str(self.folder)}
        done = subprocess.run(["bash", str(script), *arguments], env=env, cwd=self.folder, capture_output=True, text=True, check=False)
        self.said = log.read_text() if log.exists() else ""
        return done

    def test_runs_the_driver_and_hands_on(self) -> None:
        before = set(self.folder.iterdir())
        done = self.run_app("--quick", "-t", "rust-sqlx")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.said, f"driver -o {self.folder}/results\naccel kvm\n--quick\n-t\nrust-sqlx\n")
        made = {path.name for path in set(self.folder.iterdir()) - before}
        self.assertEqual(made, {"log", "nproc", "driver", "bench", "app", "results"}, "a temporary folder is left")

    def test_exit_code_is_that_of_bench(self) -> None:
        for driver_ends, status, code in ((1, "4", 4), (0, "1", 1), (1, "", 1), (0, "", 1), (5, "", 5)):
            with self.subTest(driver=driver_ends, status=status):
                self.driver_ends, self.status = driver_ends, status
                self.assertEqual(self.run_app().returncode, code)

    def test_without_kvm(self) -> None:
        self.kvm.unlink()
        done = self.run_app()
        self.assertEqual(done.returncode, 3)
        self.assertIn("--allow-tcg", done.stderr)
        self.assertEqual(self.said, "")
        self.assertEqual(self.run_app("--allow-tcg", "--quick").returncode, 0)
        self.assertIn("accel tcg\n--quick\n", self.said)

    def test_too_few_cpus(self) -> None:
        self.host_cpus = 2
        done = self.run_app()
        self.assertEqual(done.returncode, 3)
        self.assertIn("needs 3 CPUs and this host has 2", done.stderr)
        self.assertEqual(self.run_app("--allow-oversubscribed").returncode, 0)
        self.assertIn("accel kvm-oversubscribed\n", self.said)

    def test_native(self) -> None:
        self.kvm.unlink()
        done = self.run_app("--native", "--quick")
        self.assertEqual(done.returncode, 7)
        self.assertEqual(self.said, f"bench run --mode single --out {self.folder}/results --quick\n")

    def test_help(self) -> None:
        done = self.run_app("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("nix run .#bench-single", done.stdout)
        self.assertEqual(self.said, "")


def postgres_folder() -> Path:
    """bin/ of the Postgres that ./lab set up."""
    inventory = Path(os.environ.get("BENCH_INVENTORY") or host.ROOT / ".lab/inventory.json")
    try:
        return Path(json.loads(inventory.read_text())["programs"]["postgres"]["path"]).parent
    except (OSError, KeyError):
        raise unittest.SkipTest("no PostgreSQL: ./lab test sets it up") from None


class Database(unittest.TestCase):
    """The image's entrypoint and `bench-seed`, as Nix writes them, on a real server."""

    def setUp(self) -> None:
        postgres = postgres_folder()
        self.folder = Path(tempfile.mkdtemp(prefix="bench-nix-db-"))
        self.addCleanup(shutil.rmtree, self.folder)
        # Postgres refuses root, and its user must be able to come here.
        self.user = 65534 if os.geteuid() == 0 else None
        self.folder.chmod(0o755)
        shutil.copytree(host.SETUP.tree / "db", self.folder / "assets/db")
        self.data = self.folder / "data"
        self.data.mkdir(mode=0o700)
        if self.user:
            os.chown(self.data, self.user, self.user)
        texts = program_texts()
        script = json.loads(host.expression("toString lab.seed.script").stdout)
        assets = re.findall(r"\\i (\S+)/db/", Path(script).read_text())[0]
        self.seed = self.folder / "seed.psql"
        self.seed.write_text(Path(script).read_text().replace(assets, str(self.folder / "assets")))
        programs = self.folder / "bin"
        programs.mkdir()
        for name, text in (("bench-seed", texts["bench-seed"]), ("bench-postgres", texts["bench-postgres"])):
            (programs / name).write_text(HEAD + text.replace(script, str(self.seed)))
            (programs / name).chmod(0o755)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.env = {
            "PATH": f"{programs}:{postgres}:{os.environ['PATH']}",
            "PGDATA": str(self.data),
            "PGPORT": str(self.port),
            "POSTGRES_PASSWORD": 'owner\'s "secret"',
            "BENCH_API_PASSWORD": 'api\'s "secret"',
        }

    def start(self) -> "subprocess.Popen[bytes]":
        self.log = self.folder / "log"
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                ["bash", str(self.folder / "bin/bench-postgres")], env=self.env, cwd="/", stdout=log, stderr=log, user=self.user
            )
        self.addCleanup(self.stop, child)
        for _ in range(600):
            if child.poll() is not None or self.psql("SELECT 1", check=False) == "1":
                break
            time.sleep(0.1)
        self.assertIsNone(child.poll(), self.log.read_text())
        return child

    def stop(self, child: "subprocess.Popen[bytes]") -> None:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
            child.wait(timeout=60)

    def psql(self, query: str, *, owner: bool = False, check: bool = True) -> str:
        user, password = ("postgres", "POSTGRES_PASSWORD") if owner else ("bench_api", "BENCH_API_PASSWORD")
        env = self.env | {"PGPASSWORD": self.env[password], "PGHOST": "127.0.0.1", "PGCONNECT_TIMEOUT": "5"}
        done = subprocess.run(
            ["psql", "-XAtq", "-U", user, "-d", "bench", "-c", query], env=env, capture_output=True, text=True, check=False
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{query}: {done.stderr}\n{self.log.read_text()}")
        return done.stdout.strip()

    def test_first_start_second_start_new_password_new_data(self) -> None:
        checksum = (host.ROOT / "db/seed/checksum.sql").read_text()
        first = self.start()
        self.assertEqual(self.psql("SELECT count(*) FROM users"), "10000")
        rows = self.psql(checksum)
        self.assertEqual(self.psql("DELETE FROM users RETURNING 1", check=False), "")
        self.assertEqual(self.psql("SHOW shared_preload_libraries", owner=True), "pg_stat_statements")
        self.assertEqual(self.psql("SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'bench'", owner=True), "b|C.UTF-8")
        self.psql("CREATE TABLE kept ()", owner=True)
        self.stop(first)
        self.assertEqual(first.returncode, 0)

        # The data are kept; the password follows the variable.
        self.env["BENCH_API_PASSWORD"] = "another"
        second = self.start()
        self.assertEqual(self.psql("SELECT to_regclass('kept')", owner=True), "kept")
        self.assertEqual(self.psql(checksum), rows)
        self.stop(second)

        # Half a seed is no seed: without the mark everything is made anew.
        self.seed.write_text(self.seed.read_text().replace("\\set mark '", "\\set mark 'x"))
        self.start()
        self.assertEqual(self.psql("SELECT to_regclass('kept')", owner=True), "")
        self.assertEqual(self.psql(checksum), rows)

    def test_a_missing_password_is_told(self) -> None:
        del self.env["BENCH_API_PASSWORD"]
        done = subprocess.run(
            ["bash", str(self.folder / "bin/bench-postgres")], env=self.env, capture_output=True, text=True, check=False, user=self.user
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("the password of bench_api is missing", done.stderr)
