"""The Python service of the lab: FastAPI, Pydantic v2 and asyncpg."""
