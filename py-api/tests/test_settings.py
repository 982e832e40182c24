from __future__ import annotations

import pytest

from py_api.settings import Settings, SettingsError

ENV = {
    "HOST": "127.0.0.1",
    "PORT": "8081",
    "DATABASE_URL": "postgresql://role:geheim@localhost:5432/bench",
    "DB_TIMEOUT_MS": "2000",
    "UVICORN_WORKERS": "4",
    "DB_POOL_MIN_SIZE": "10",
    "DB_POOL_MAX_SIZE": "10",
}


def test_everything_is_read() -> None:
    settings = Settings.from_env(ENV)
    assert settings == Settings(
        host="127.0.0.1",
        port=8081,
        database_url=ENV["DATABASE_URL"],
        db_timeout=2.0,
        workers=4,
        pool_min_size=10,
        pool_max_size=10,
    )
    assert "geheim" not in repr(settings)


@pytest.mark.parametrize("name", ENV)
@pytest.mark.parametrize("value", [None, ""])
def test_every_variable_is_needed(name: str, value: str | None) -> None:
    env = {key: text for key, text in ENV.items() if key != name}
    if value is not None:
        env[name] = value
    with pytest.raises(SettingsError, match=f"^{name} is not set$"):
        Settings.from_env(env)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "+80"),
        ("PORT", "8_0"),
        ("PORT", " 80"),
        ("PORT", "80\n"),
        ("PORT", "٨٠"),
        ("DB_TIMEOUT_MS", "0"),
        ("DB_TIMEOUT_MS", "1e3"),
        ("DB_TIMEOUT_MS", "9" * 5000),
        ("UVICORN_WORKERS", "0"),
        ("UVICORN_WORKERS", "-1"),
        ("DB_POOL_MAX_SIZE", "0"),
        ("DB_POOL_MIN_SIZE", "11"),
        ("DATABASE_URL", "mysql://role:geheim@localhost/bench"),
        ("DATABASE_URL", "postgresql://role:geheim@localhost:port/bench"),
        ("DATABASE_URL", "postgresql://role:geheim@[/bench"),
    ],
)
def test_an_impossible_value_is_named_without_the_secret(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} ") as caught:
        Settings.from_env({**ENV, name: value})
    assert "geheim" not in str(caught.value)
