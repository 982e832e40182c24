-- The one table that every service reads.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;

CREATE TABLE users (
    id           uuid        PRIMARY KEY,
    email        text        NOT NULL UNIQUE,
    full_name    text        NOT NULL,
    age          integer     NOT NULL CHECK (age BETWEEN 18 AND 99),
    country_code text        NOT NULL CHECK (country_code ~ '^[A-Z]{2}$'),
    is_active    boolean     NOT NULL,
    created_at   timestamptz NOT NULL CHECK (created_at = date_trunc('second', created_at))
);
