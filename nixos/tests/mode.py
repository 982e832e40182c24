# Smoke test of one mode on one machine. The Nix code puts FACTS in front, the test driver `machine` and `subtest`.
import shlex
import time
from pathlib import PurePosixPath


def sql(query: str) -> str:
    """One answer of the database, asked as its owner over its socket."""
    command = ["runuser", "-u", "postgres", "--", "psql", "-XAtd", FACTS["database"], "-c", query]
    return machine.succeed(shlex.join(command)).strip()


def connections(application: str) -> int:
    """Connections that a service holds now."""
    return int(sql(f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{application}'"))


def cgroup(unit: str, file: str) -> str:
    """A file of a unit's control group."""
    group = machine.get_unit_property(unit, "ControlGroup")
    assert group.startswith("/bench.slice/"), f"{unit} runs in {group}, outside bench.slice"
    return machine.succeed(f"cat /sys/fs/cgroup{group}/{file}").strip()


def cpus(text: str) -> set[int]:
    """A CPU list of the kernel: 0-2,5."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def allowed(unit: str) -> set[int]:
    """CPUs that a unit's main process may use. Its own group has no cpuset file when only its slice has a set."""
    pid = machine.get_unit_property(unit, "MainPID")
    return cpus(machine.succeed(f"grep Cpus_allowed_list /proc/{pid}/status").split()[1])


def wait_connections(application: str, wanted: int, seconds: int = 30) -> None:
    """Waits until a service holds exactly its budget, and fails when it ever holds more."""
    held = -1
    for _ in range(seconds * 2):
        held = connections(application)
        assert held <= wanted, f"{application} holds {held} connections, its budget is {wanted}"
        if held == wanted:
            return
        time.sleep(0.5)
    raise AssertionError(f"{application} holds {held} connections after {seconds} s, its budget is {wanted}")


def contract(target: dict[str, Any], suite: str) -> None:
    """The contract suite, byte for byte."""
    machine.succeed(
        f"runuser -u postgres -- contract --url http://127.0.0.1:{target['port']} --suite {suite} "
        f"--database-url postgres://postgres@%2Frun%2Fpostgresql/{FACTS['database']}",
        timeout=300,
    )


def start_load(name: str, port: int) -> str:
    """Starts k6 beside, in its slice; returns the unit."""
    unit = f"bench-load-{name}"
    variables = {
        "BENCH_BASE_URL": f"http://127.0.0.1:{port}",
        "BENCH_PROFILE": FACTS["quick"],
        "BENCH_USERS": str(FACTS["users"]),
        "BENCH_SUMMARY": f"/tmp/{unit}.json",
        "HOME": "/root",
    }
    settings = " ".join(f"--setenv={shlex.quote(f'{key}={value}')}" for key, value in variables.items())
    machine.succeed(
        f"systemd-run --quiet --unit={unit} --slice=bench-load.slice --property=RemainAfterExit=yes {settings} "
        f"$(command -v k6) run --quiet --no-usage-report {FACTS['load_script']}"
    )
    return unit


def ended(unit: str) -> bool:
    """Has the load come to its end?"""
    return machine.get_unit_property(unit, "SubState") in {"exited", "failed", "dead"}


def finish_load(unit: str) -> dict[str, Any]:
    """k6's summary, once it has ended."""
    for _ in range(240):
        if ended(unit):
            break
        time.sleep(0.5)
    status = machine.get_unit_property(unit, "ExecMainStatus")
    assert status == "0", f"k6 ended with {status}: " + machine.succeed(f"journalctl -u {unit} -o cat | tail -n 20")
    summary: dict[str, Any] = json.loads(machine.succeed(f"cat /tmp/{unit}.json"))
    machine.succeed(f"systemctl stop {unit}")
    return summary


def check_limits(unit: str) -> None:
    """What the kernel enforces, not what was asked for."""
    quota, period = cgroup(unit, "cpu.max").split()
    assert quota != "max" and int(quota) == FACTS["cpus"] * int(period), f"{unit}: cpu.max is {quota} {period}"
    effective = cpus(cgroup(unit, "cpuset.cpus.effective"))
    assert effective == allowed(unit) == cpus(FACTS["cpu_sets"]["service"]), f"{unit}: runs on CPUs {effective}"
    assert cgroup(unit, "memory.max") == str(1024**3), "memory.max"


def check_pools(target: dict[str, Any]) -> None:
    """Every process holds its share, as the kernel's sockets show."""
    lines = machine.succeed("ss -Htnp state established '( dport = :5432 )'").splitlines()
    held: dict[str, int] = {}
    for line in lines:
        pid = line.partition("pid=")[2].partition(",")[0]
        held[pid] = held.get(pid, 0) + 1
    wanted = [target["pool_size"]] * target["processes"]
    assert sorted(held.values()) == wanted, f"connections by process: {held}, wanted: {wanted}"


def check_load(name: str, target: dict[str, Any]) -> None:
    """Under load the budget is used and never passed, and no answer is wrong."""
    unit = start_load(name, target["port"])
    peak = 0
    while not ended(unit):
        peak = max(peak, connections(target["application"]))
        time.sleep(0.3)
    summary = finish_load(unit)
    assert peak == FACTS["db_connections"], f"{name} held {peak} connections under load"
    measure = summary["measure"]
    assert measure["http_reqs"] > 0, f"{name}: no request"
    assert measure["failed_checks"] == 0, f"{name}: {measure['failed_checks']} wrong answers"


def check_restart(name: str, target: dict[str, Any]) -> None:
    """Postgres restarts under load; the service comes back by itself, with its whole pool."""
    before = machine.get_unit_property(target["unit"], "MainPID")
    unit = start_load(f"{name}-restart", target["port"])
    time.sleep(1.5)
    machine.succeed("systemctl restart postgresql.service")
    machine.wait_for_unit("postgresql.target")
    machine.wait_until_succeeds(f"curl -fsS http://127.0.0.1:{target['port']}/readyz", timeout=30)
    wait_connections(target["application"], FACTS["db_connections"])
    after = machine.get_unit_property(target["unit"], "MainPID")
    assert after == before, f"{name} was restarted by systemd: it did not survive"
    finish_load(unit)
    contract(target, "quick")


def check_burner() -> None:
    """The quota of a service, on all CPUs of the machine: the kernel must throttle."""
    count, seconds = FACTS["machine_cpus"], 4
    machine.succeed(
        f"systemd-run --quiet --unit=burner --slice=bench.slice --property=CPUQuota={FACTS['cpus'] * 100}% "
        f"--property=RemainAfterExit=yes $(command -v bash) -c "
        + shlex.quote(f"for i in $(seq {count}); do timeout {seconds} sh -c 'while :; do :; done' & done; sleep {seconds + 60}")
    )
    time.sleep(seconds)
    stat = dict(line.split() for line in cgroup("burner.service", "cpu.stat").splitlines())
    machine.succeed("systemctl stop burner.service")
    used = int(stat["usage_usec"]) / 1e6
    assert int(stat["nr_throttled"]) > 0, f"nothing was throttled: {stat}"
    assert used <= FACTS["cpus"] * (seconds + 2) * 1.1, f"{used} s of CPU used in {seconds} s"


def check_run() -> None:
    """A short run of the runner, whose files `bench validate` accepts."""
    machine.succeed("systemctl stop postgresql.target postgresql.service")
    arguments = shlex.join(FACTS["run_arguments"])
    machine.succeed(f"mkdir -p /run/bench && printf '%s\\n' {arguments} > /run/bench/arguments")
    machine.succeed("systemctl start bench-run.service")
    for _ in range(900):
        if machine.get_unit_property("bench-run.service", "ActiveState") in {"inactive", "failed"}:
            break
        time.sleep(1)
    status = int(machine.get_unit_property("bench-run.service", "ExecMainStatus"))
    log = machine.succeed("journalctl -u bench-run.service -o cat | tail -n 60")
    print(log)
    # 1: some repetitions do not count, as may be on a busy builder; the files must be right all the same.
    assert status in {0, 1}, f"bench run ended with {status}"
    runs = machine.succeed(f"ls -d {FACTS['results']}/*/").split()
    assert len(runs) == 1, f"runs: {runs}"
    machine.succeed(f"bench validate {runs[0]}")
    manifest = json.loads(machine.succeed(f"cat {PurePosixPath(runs[0]) / 'manifest.json'}"))
    environment = manifest["environment"]
    assert environment["kind"] == "vm", environment
    assert environment["limits"] == "cgroup_v2", environment
    assert not environment["shared_cpus"] and not environment["oversubscribed"], environment
    left = machine.succeed("find /sys/fs/cgroup -type d -name 'benchfw.*'").split()
    assert left == [], f"left behind: {left}"


machine.start()
machine.wait_for_unit("bench-seed.service")

with subtest("rows and role"):
    assert sql("SELECT count(*) FROM users") == str(FACTS["users"])
    assert allowed("postgresql.service") == cpus(FACTS["cpu_sets"]["postgres"]), "CPUs of postgresql"

for name, target in FACTS["targets"].items():
    with subtest(f"{name}: starts, and nothing else of the lab runs"):
        machine.succeed(f"systemctl start {target['unit']}")
        machine.wait_for_unit(target["unit"])
        machine.wait_for_open_port(target["port"])
        machine.wait_until_succeeds(f"curl -fsS http://127.0.0.1:{target['port']}/readyz", timeout=60)
    with subtest(f"{name}: limits in force"):
        check_limits(target["unit"])
    with subtest(f"{name}: pool of {FACTS['db_connections']}"):
        wait_connections(target["application"], FACTS["db_connections"])
        check_pools(target)
    with subtest(f"{name}: contract"):
        contract(target, "standard")
    with subtest(f"{name}: load"):
        check_load(name, target)
    with subtest(f"{name}: Postgres restarts under load"):
        check_restart(name, target)
    with subtest(f"{name}: ends by itself"):
        machine.succeed(f"systemctl stop {target['unit']}")
        result = machine.get_unit_property(target["unit"], "Result")
        assert result == "success", f"{name} ended with {result}"
        assert connections(target["application"]) == 0, f"{name} left connections"

with subtest("throttling"):
    check_burner()

with subtest("a short run"):
    check_run()
