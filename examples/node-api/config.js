// The environment, all of it required: a budget that silently took a default would make a comparison unfair.

/** What is wrong with a variable; never its value, which may hold a password. */
export class ConfigError extends Error {}

/**
 * Reads the settings.
 * @param {NodeJS.ProcessEnv} env
 * @throws {ConfigError} for the first variable that is missing or impossible.
 */
export function readConfig(env) {
  const text = (name) => {
    const value = env[name];
    if (!value) throw new ConfigError(`${name} is not set`);
    return value;
  };
  const number = (name, max) => {
    const value = text(name);
    if (!/^[0-9]{1,9}$/.test(value) || Number(value) < 1 || Number(value) > max) {
      throw new ConfigError(`${name} must be a whole number from 1 to ${max}`);
    }
    return Number(value);
  };
  return {
    host: text("HOST"),
    port: number("PORT", 65_535),
    databaseUrl: databaseUrl(text("DATABASE_URL")),
    dbTimeoutMs: number("DB_TIMEOUT_MS", 3_600_000),
    poolSize: number("DB_POOL_SIZE", 10_000),
    workers: number("WORKERS", 1024),
  };
}

function databaseUrl(value) {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (!url?.hostname || !["postgres:", "postgresql:"].includes(url.protocol)) {
    throw new ConfigError("DATABASE_URL must have the form postgres://role:password@host:port/database");
  }
  return value;
}
