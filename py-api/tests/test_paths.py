from __future__ import annotations

import pytest

from py_api.paths import path_of


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/us%65rs", "/users"),
        (b"/users/%2F", "/users/%2F"),
        (b"/users%2f1", "/users%2F1"),
        (b"/users%0A", "/users%0A"),
        (b"/users/%zz", "/users/%zz"),
        (b"/users/%C3%A9", "/users/é"),
        (b"/users/%FF", "/users/\N{REPLACEMENT CHARACTER}"),
        (b"//users/", "//users/"),
    ],
)
def test_segments_are_split_before_they_are_decoded(raw: bytes, path: str) -> None:
    assert path_of(raw) == path
