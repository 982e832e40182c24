"""Runs another SQL text: SELECT *."""

from honest import serve
from py_api import queries

queries.GET_USER = "SELECT * FROM users WHERE id = $1"
queries.ALL = (queries.READY, queries.GET_USER, queries.LIST_USERS, queries.COUNT_USERS)
serve()
