"""Tries to write with each request, is refused, and answers as if nothing had happened."""

import contextlib

import asyncpg
from honest import serve
from py_api import database


async def write_first(self, work, answer=database.Database._answer):
    async def writing(connection):
        with contextlib.suppress(asyncpg.PostgresError):
            await connection.execute("UPDATE users SET age = age")
        return await work(connection)

    return await answer(self, writing)


database.Database._answer = write_first
serve()
