"""Asks for a page and its total in one query instead of two."""

from honest import serve
from py_api import queries
from py_api.store import PostgresStore

BOTH = queries.LIST_USERS.replace(" FROM users", ", count(*) OVER () AS total FROM users", 1)


async def users(self, page, two=PostgresStore.users):
    rows = [dict(row) for row in await self._database.run(lambda c: c.fetch(BOTH, page.limit, page.offset))]
    if not rows:
        return await two(self, page)
    totals = [row.pop("total") for row in rows]
    return {"items": rows, "limit": page.limit, "offset": page.offset, "total": totals[0]}


PostgresStore.users = users
serve()
