# Database, services and load generator on three machines. The Nix code puts FACTS in front.
import shlex
import time

start_all()
database.wait_for_unit("bench-seed.service")
service.wait_for_unit("multi-user.target")
load.wait_for_unit("multi-user.target")


def connections(application: str) -> int:
    """Connections that a service holds, all from the other machine."""
    query = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{application}' AND client_addr <> '127.0.0.1'"
    command = ["runuser", "-u", "postgres", "--", "psql", "-XAtd", FACTS["database"], "-c", query]
    return int(database.succeed(shlex.join(command)))


def run_load(name: str, port: int) -> dict[str, Any]:
    """k6 from its own machine, to its end."""
    summary_file = f"/tmp/{name}.json"
    variables = {
        "BENCH_BASE_URL": f"http://service:{port}",
        "BENCH_PROFILE": FACTS["quick"],
        "BENCH_USERS": str(FACTS["users"]),
        "BENCH_SUMMARY": summary_file,
    }
    settings = " ".join(f"{key}={shlex.quote(value)}" for key, value in variables.items())
    load.succeed(f"env {settings} k6 run --quiet --no-usage-report {FACTS['load_script']} >&2", timeout=300)
    summary: dict[str, Any] = json.loads(load.succeed(f"cat {summary_file}"))
    return summary


def check_password() -> None:
    """The load generator's machine reaches the database's port, but not without the password."""
    login = f"psql -h database -U {FACTS['role']} {FACTS['database']}"
    said = load.fail(f"PGCONNECT_TIMEOUT=5 PGPASSWORD=wrong {login} -c 'SELECT 1' 2>&1")
    assert "password authentication failed" in said, said


with subtest("a wrong password is refused"):
    check_password()

for name, target in FACTS["targets"].items():
    port = target["port"]
    with subtest(f"{name}: ready over the network"):
        service.succeed(f"systemctl start {target['unit']}")
        service.wait_for_unit(target["unit"])
        service.wait_for_open_port(port, addr="service")
        load.wait_until_succeeds(f"curl -fsS http://service:{port}/readyz", timeout=60)
    with subtest(f"{name}: contract"):
        database.succeed(
            f"runuser -u postgres -- contract --url http://service:{port} --suite standard "
            f"--database-url postgres://postgres@%2Frun%2Fpostgresql/{FACTS['database']}",
            timeout=300,
        )
    with subtest(f"{name}: load, with exactly {FACTS['db_connections']} connections"):
        summary = run_load(name, port)
        assert summary["measure"]["http_reqs"] > 0, f"{name}: no request"
        assert summary["measure"]["failed_checks"] == 0, f"{name}: wrong answers"
        held = connections(target["application"])
        assert held == FACTS["db_connections"], f"{name} holds {held} connections"
    with subtest(f"{name}: the database goes and comes back"):
        database.succeed("systemctl stop postgresql.target postgresql.service")
        load.wait_until_succeeds(f"test $(curl -sS -o /dev/null -w '%{{http_code}}' http://service:{port}/readyz) = 503", timeout=30)
        load.succeed(f"curl -fsS http://service:{port}/healthz")
        database.succeed("systemctl start postgresql.target")
        database.wait_for_unit("postgresql.target")
        load.wait_until_succeeds(f"curl -fsS http://service:{port}/readyz", timeout=30)
    service.succeed(f"systemctl stop {target['unit']}")
    for _ in range(20):
        if connections(target["application"]) == 0:
            break
        time.sleep(0.5)
    assert connections(target["application"]) == 0, f"{name} left connections"
