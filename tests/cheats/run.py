"""Runs every cheat beside an honest service, and shows that the lab catches each for the right reason.

    tests/cheats/run.py          all of it
    tests/cheats/run.py NAME...  only these cheats and disturbances, beside the honest service

Needs `bench` on PATH and the Python service built, as ./lab sets them up. Ends with 0 when all holds.
"""

import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import trial

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from labtest.results import HOST_CAUSES
from registry import CONTRACT, DISTURBANCES, FAIRNESS, HARMLESS, HIDDEN, HONEST, INVALID, START, Cheat, Disturbance

T = TypeVar("T", Cheat, Disturbance)

IMPOSSIBLE = "cheat impossible here: "
BURN = "while True: pass"


class Findings:
    """What did not hold, so that one run tells everything."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.skipped: list[str] = []

    def expect(self, holds: bool, otherwise: str) -> None:
        """Notes it when something does not hold."""
        if not holds:
            self.wrong.append(otherwise)
            print(f"WRONG: {otherwise}", flush=True)


def words(text: str) -> str:
    """Text without its line breaks and indentation."""
    return re.sub(r"[\s*]+", " ", text)


def seen(name: str, where: Path, repetition: dict[str, Any], findings: Findings) -> set[str] | None:
    """The codes of a repetition's reasons; None, and a skip is noted, where the cheat could not be tried."""
    log = (where / "service.log").read_text(errors="replace")
    if IMPOSSIBLE in log:
        findings.skipped.append(f"{name}: {log.split(IMPOSSIBLE, 1)[1].splitlines()[0]}")
        return None
    codes = {reason["code"] for reason in repetition["reasons"]}
    print(f"{name}: {sorted(codes)}", flush=True)
    return codes


def check_contract(folder: Path, cheats: list[Cheat], findings: Findings) -> None:
    """Each differs from the contract in the way it should; the honest one does not; and nothing is measured."""
    toml = trial.write(folder / "contract.toml", [HONEST, *cheats], trial.SETTINGS | trial.NO_HOST)
    names = [HONEST.target, *(cheat.target for cheat in cheats)]
    code, out, _ = trial.ended(trial.bench(toml, "contract", "--json", "--mode", "cheats", *names), show=False)
    findings.expect(code == 4, f"`bench contract` ended with {code}, not 4")
    kinds = {}
    for report in json.loads(out or "[]"):
        failures = [failure for case in report["cases"] for failure in case["failures"]]
        # "NAME at ADDRESS".
        kinds[report["subject"].split()[0]] = {problem["kind"] for failure in failures for problem in failure["problems"]}
    if set(kinds) != set(names):
        findings.expect(False, f"the suite tells of {sorted(kinds)} only")
        return
    findings.expect(not kinds[HONEST.target], f"the honest service breaks the contract: {kinds[HONEST.target]}")
    for cheat in cheats:
        found = kinds[cheat.target]
        findings.expect(cheat.codes <= found, f"{cheat.target}: expected {set(cheat.codes)}, the suite found {found}")
    results = folder / "contract"
    code, _, err = trial.ended(trial.bench(toml, *trial.run_options(results, [HONEST, cheats[0]])))
    findings.expect(code == 4, f"a run with {cheats[0].target} ended with {code}, not 4")
    findings.expect(f"{cheats[0].target} does not keep the contract" in words(err), "the run does not name the one that breaks it")
    findings.expect(not trial.repetitions(results), "something was measured though the contract is broken")


def check_start(folder: Path, cheat: Cheat, findings: Findings) -> None:
    """It is never ready, and the run ends."""
    toml = trial.write(folder / "start.toml", [HONEST, cheat], trial.SETTINGS | trial.NO_HOST | {"ready_timeout_ms": "5000"})
    code, _, err = trial.ended(trial.bench(toml, *trial.run_options(folder / "start", [cheat])))
    findings.expect(code == 2, f"a run with {cheat.target} ended with {code}, not 2")
    for text in (f"cannot start {cheat.target}", "not ready after"):
        findings.expect(text in words(err), f"{cheat.target}: `{text}` is not in the message")


def check_run(folder: Path, cheats: list[Cheat], findings: Findings) -> None:
    """One run with all of them: the honest one is valid, each cheat is refused for its own reason."""
    toml = trial.write(folder / "run.toml", [HONEST, *cheats], trial.SETTINGS | trial.NO_HOST)
    code, out, _ = trial.ended(trial.bench(toml, *trial.run_options(folder / "run", [HONEST, *cheats])))
    found = trial.repetitions(folder / "run")
    findings.expect(set(found) == {c.target for c in [HONEST, *cheats]}, f"there are repetitions of {sorted(found)}")
    findings.expect(code == (1 if any(c.codes for c in cheats) else 0), f"the run ended with {code}")
    for cheat in [HONEST, *cheats]:
        where, repetition = found[cheat.target]
        codes = seen(cheat.target, where, repetition, findings)
        if codes is None:
            continue
        told = [reason["message"] for reason in repetition["reasons"]]
        findings.expect(cheat.codes <= codes, f"{cheat.target} must fail {sorted(cheat.codes)}, but failed {told}")
        findings.expect(codes <= cheat.codes | cheat.also, f"{cheat.target} must only fail {sorted(cheat.codes)}, but failed {told}")
        findings.expect(repetition["valid"] is not bool(codes), f"{cheat.target}: valid and reasons contradict each other")
        refused = f"the receipt of {cheat.target} does not balance: " in words(out)
        findings.expect(refused is (cheat in FAIRNESS), f"{cheat.target} is {'refused' if refused else 'ranked'}")


def check_host(folder: Path, what: Cheat | Disturbance, findings: Findings) -> None:
    """A run with the thresholds of lab.toml: the line that must fail does."""
    cheat = what if isinstance(what, Cheat) else HONEST
    options = what.options if isinstance(what, Disturbance) else ()
    starved = what.name == "saturated_k6"
    # Where others want the CPUs too, what works beside k6 does not get all that it wants; k6 alone needs a third of this.
    settings = trial.SETTINGS | ({"generator_cpu_share": "0.6"} if starved else {})
    toml = trial.write(folder / f"{what.name}.toml", [HONEST, HIDDEN], settings)
    inventory = starved_k6(folder) if starved else None
    out = folder / what.name
    if what.name == "paused_postgres":
        options = (*options, "--measure", "5")
    process = trial.bench(toml, *trial.run_options(out, [cheat], *options), inventory=inventory)
    with disturbed(what.name, process.pid):
        trial.ended(process)
    where, repetition = trial.repetitions(out)[cheat.target]
    codes = seen(what.name, where, repetition, findings)
    if codes is None:
        return
    findings.expect(what.codes <= codes, f"{what.name} must fail {sorted(what.codes)}, but failed {repetition['reasons']}")
    findings.expect(codes <= what.codes | HOST_CAUSES, f"{what.name} must only fail lines of the host, but failed {repetition['reasons']}")


@contextmanager
def disturbed(name: str, runner: int) -> Iterator[None]:
    """Disturbs a run in the way of that name."""
    if name == "burner":
        burners = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(math.ceil((os.cpu_count() or 1) / 4))]
        try:
            yield
        finally:
            for burner in burners:
                burner.kill()
                burner.wait()
    elif name == "paused_postgres":
        pid = os.fork()
        if pid == 0:
            pause_postgres(runner)
            os._exit(0)
        yield
        os.waitpid(pid, 0)
    else:
        yield


def processes_of(runner: int, group: str) -> set[int]:
    """Processes of one group of a runner's session, and their children: those of Postgres hide their environment."""
    found, parents = set(), {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            env = dict(item.split(b"=", 1) for item in (entry / "environ").read_bytes().split(b"\0") if b"=" in item)
        except OSError:
            continue
        if env.get(b"BENCH_OWNER", b"").startswith(f"{runner}.".encode()) and env.get(b"BENCH_GROUP") == group.encode():
            found.add(int(entry.name))
    return found | {pid for pid, parent in parents.items() if parent in found}


def pause_postgres(runner: int) -> None:
    """Stops Postgres twice for a moment while k6 runs, so that one of them is in the measured phase."""
    while not processes_of(runner, "k6"):
        if not Path(f"/proc/{runner}").exists():
            return
        time.sleep(0.1)
    for _ in range(2):
        time.sleep(1.5)
        stopped = processes_of(runner, "postgres")
        for pid in stopped:
            send(pid, signal.SIGSTOP)
        time.sleep(1.5)
        for pid in stopped:
            send(pid, signal.SIGCONT)


def send(pid: int, number: signal.Signals) -> None:
    """Sends a signal, if there is still somebody to get it."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def starved_k6(folder: Path) -> Path:
    """An inventory whose k6 shares its group with something that works."""
    inventory = json.loads(Path(os.environ.get("BENCH_INVENTORY") or trial.ROOT / ".lab/inventory.json").read_text())
    wrapper = folder / "k6"
    real = inventory["programs"]["k6"]["path"]
    wrapper.write_text(f"#!/bin/sh\n{sys.executable} -c '{BURN}' &\n{sys.executable} -c '{BURN}' &\nexec {real} \"$@\"\n")
    wrapper.chmod(0o755)
    inventory["programs"]["k6"]["path"] = str(wrapper)
    path = folder / "inventory.json"
    path.write_text(json.dumps(inventory))
    return path


def main(arguments: list[str]) -> int:
    """The whole test, or a part of it."""
    findings = Findings()
    chosen = set(arguments)

    def wanted(some: list[T]) -> list[T]:
        return [one for one in some if not chosen or one.name in chosen]

    with tempfile.TemporaryDirectory(prefix="bench-cheats-") as name:
        folder = Path(name)
        if cheats := wanted(CONTRACT):
            check_contract(folder, cheats, findings)
        for cheat in wanted(START):
            check_start(folder, cheat, findings)
        if cheats := wanted(FAIRNESS + INVALID + HARMLESS):
            check_run(folder, cheats, findings)
        for cheat in wanted([HIDDEN]):
            check_host(folder, cheat, findings)
        for what in wanted(DISTURBANCES):
            check_host(folder, what, findings)
    for skipped in findings.skipped:
        print(f"not possible on this machine: {skipped}")
    for wrong in findings.wrong:
        print(f"cheats: {wrong}")
    if not findings.wrong:
        print("cheats: every one is caught" + (f", {len(findings.skipped)} left out" if findings.skipped else ""))
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
