"""Percentiles of every repetition by polars (Python), and nothing else."""

import sys
import time

import polars as pl

start = time.perf_counter()
rows = (
    pl.scan_parquet(f"{sys.argv[1]}/*/*/*/*/samples.parquet", include_file_paths="file")
    .filter(pl.col("phase") == "measure", ~pl.col("failed"))
    .group_by("file")
    .agg(*(pl.col("duration").quantile(p, "linear").alias(str(p)) for p in (0.5, 0.9, 0.95, 0.99, 0.999)))
    .collect()
)
print(rows.height, time.perf_counter() - start)
