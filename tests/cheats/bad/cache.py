"""Keeps each user it has read, and answers from memory."""

from honest import serve
from py_api.store import PostgresStore

known = {}


async def user(self, user_id, read=PostgresStore.user):
    if user_id not in known:
        known[user_id] = await read(self, user_id)
    return known[user_id]


PostgresStore.user = user
serve()
