"""Rewrites the records of a run as lab-record writes them: `encode.py RUN`, in the environment of prepare.py."""

import sys
from pathlib import Path

import pyarrow.parquet as pq

TIMES = ("started_at", "duration", "waiting")

for file in Path(sys.argv[1]).glob("*/*/*/*/samples.parquet"):
    pq.write_table(
        pq.read_table(file),
        file,
        compression="zstd",
        compression_level=1,
        use_dictionary=["status", "endpoint", "phase"],
        column_encoding=dict.fromkeys(TIMES, "DELTA_BINARY_PACKED"),
        row_group_size=1 << 18,
    )
