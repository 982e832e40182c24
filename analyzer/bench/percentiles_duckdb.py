"""Percentiles of every repetition by DuckDB, and nothing else."""

import sys
import time

import duckdb

start = time.perf_counter()
rows = duckdb.execute(
    "SELECT filename, quantile_cont(duration, [0.5, 0.9, 0.95, 0.99, 0.999]) FROM read_parquet(?, filename = true)"
    " WHERE phase = 'measure' AND NOT failed GROUP BY filename",
    [f"{sys.argv[1]}/*/*/*/*/samples.parquet"],
).fetchall()
print(len(rows), time.perf_counter() - start)
