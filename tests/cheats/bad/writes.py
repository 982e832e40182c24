"""Writes to the database with each request for a user. The role refuses, and the service has no answer."""

from honest import serve
from py_api.store import PostgresStore


async def user(self, user_id, read=PostgresStore.user):
    await self._database.run(lambda connection: connection.execute("UPDATE users SET age = age"))
    return await read(self, user_id)


PostgresStore.user = user
serve()
