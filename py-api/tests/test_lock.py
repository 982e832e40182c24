from __future__ import annotations

import re
from pathlib import Path

import pytest

LOCK = Path(__file__).parents[1] / "uv.lock"


def test_the_lock_names_the_public_index_alone() -> None:
    if not LOCK.is_file():
        pytest.skip(f"{LOCK} is not there: the package is tested outside the repository")
    hosts = set(re.findall(r"https?://([^/\"]+)", LOCK.read_text(encoding="utf-8")))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}, (
        "run `uv lock --default-index https://pypi.org/simple`"
    )
