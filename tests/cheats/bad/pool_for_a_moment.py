"""Opens one connection more for a moment now and then: shorter than two looks at pg_stat_activity lie apart."""

import asyncio
import os

import asyncpg
from honest import LOAD, serve
from py_api import database

keep_full = database.Database.keep_full


async def and_more(self):
    async def borrow():
        while True:
            await asyncio.sleep(0.3)
            if LOAD.seen:
                await (await asyncpg.connect(os.environ["DATABASE_URL"])).close()

    await asyncio.gather(keep_full(self), borrow())


database.Database.keep_full = and_more
serve()
