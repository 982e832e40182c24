"""Two round trips more a request: pings with a query of the lab."""

from honest import serve
from py_api import database, queries


async def ping_first(self, work, answer=database.Database._answer):
    async def pinging(connection):
        for _ in range(2):
            await connection.fetchval(queries.READY)
        return await work(connection)

    return await answer(self, pinging)


database.Database._answer = ping_first
serve()
