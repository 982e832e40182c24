"""The SQL of the service: copies of `db/queries/*.sql`, byte for byte (a test compares them).

They are package data, so that an installed service needs no repository around it.
"""

from importlib.resources import files


def _read(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8").rstrip()


READY = _read("ready.sql")
GET_USER = _read("get_user.sql")
LIST_USERS = _read("list_users.sql")
COUNT_USERS = _read("count_users.sql")

ALL = (READY, GET_USER, LIST_USERS, COUNT_USERS)
"""What every connection prepares when it is opened."""
