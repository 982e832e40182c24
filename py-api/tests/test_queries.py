from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from py_api import queries

SOURCE = Path(__file__).parents[2] / "db" / "queries"


def _sql_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.sql")}


def test_the_copies_are_the_repository_s_files() -> None:
    if not SOURCE.is_dir():
        pytest.skip(f"{SOURCE} is not there: the package is tested outside the repository")
    copies = _sql_files(Path(str(files(queries))))
    assert copies == _sql_files(SOURCE), "copy db/queries/*.sql to py-api/src/py_api/queries/"
    assert len(copies) == len(queries.ALL)


def test_no_trailing_white_space_is_sent() -> None:
    assert all(query == query.rstrip() for query in queries.ALL)
