"""Data and environment of the benchmark: `prepare.py FOLDER [BLOCKS REQUESTS]`.

A made-up run of four targets (default 20 blocks of 125,000 requests: 10 million in 80 repetitions), in the encoding of
lab-record; a k6 CSV of 200,000 requests, gzipped; a virtual environment with the pinned packages.
"""

import gzip
import random
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main() -> None:
    """Makes what is missing."""
    folder = Path(sys.argv[1]).resolve()
    blocks, requests = sys.argv[2:4] or ("20", "125000")
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "venv/bin/python"
    if not python.exists():
        venv.create(folder / "venv", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"], check=True)
    if not (folder / "run").exists():
        cargo = ["cargo", "run", "--release", "--locked", "--quiet", "-p", "analyzer", "--example", "made_up_run", "--"]
        made = [*cargo, str(folder), blocks, requests]
        place = subprocess.run(made, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
        subprocess.run([python, HERE / "encode.py", place], check=True)
        Path(place).rename(folder / "run")
    if not (folder / "go-1.csv.gz").exists():
        k6_csv(folder / "go-1.csv.gz", 200_000)


def k6_csv(path: Path, requests: int) -> None:
    """What k6 writes for each request: nine rows."""
    header = (
        "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,"
        "service,status,subproto,tls_version,url,extra_tags,metadata\n"
    )
    names = [
        "reqs",
        "req_duration",
        "req_blocked",
        "req_connecting",
        "req_tls_handshaking",
        "req_sending",
        "req_waiting",
        "req_receiving",
        "req_failed",
    ]
    rng = random.Random(1)
    with gzip.open(path, "wt", compresslevel=6) as out:
        out.write(header)
        for i in range(requests):
            at = 1790000000 + i // 2000
            for name in names:
                value = rng.expovariate(1.0)
                out.write(
                    f"http_{name},{at},{value:.6f},,,,true,,GET,http://127.0.0.1:8080/users/:id,HTTP/1.1,default,,200,,,"
                    "http://127.0.0.1:8080/users/:id,,\n"
                )


if __name__ == "__main__":
    main()
