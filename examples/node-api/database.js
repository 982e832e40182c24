// A pool of fixed size with a hard time limit for each request, and recovery by itself.

import { readFileSync } from "node:fs";
import pg from "pg";
import { log } from "./log.js";

const REFILL_MS = 500;

/** The lab's own SQL, verbatim, prepared once a connection because it has a name. */
const query = (name) => ({
  name,
  text: readFileSync(new URL(`../../db/queries/${name}.sql`, import.meta.url), "utf8").trimEnd(),
});
const READY = query("ready");
const GET_USER = query("get_user");
const LIST_USERS = query("list_users");
const COUNT_USERS = query("count_users");

/** No answer from the database within the time limit. */
export class Unavailable extends Error {}

export class Database {
  #pool;
  #size;
  #timeoutMs;
  #refill;
  #away = false;
  #filling = false;

  /** Opens `size` connections in the background. A database that is down is no error: requests fail until it is back. */
  constructor({ databaseUrl, poolSize, dbTimeoutMs }) {
    this.#size = poolSize;
    this.#timeoutMs = dbTimeoutMs;
    this.#pool = new pg.Pool({
      connectionString: databaseUrl,
      application_name: "node-api",
      max: poolSize,
      idleTimeoutMillis: 0, // connections live as long as the server keeps them
      connectionTimeoutMillis: dbTimeoutMs,
    });
    // A connection died: the pool has dropped it, its query fails by itself, and the next refill replaces it.
    this.#pool.on("error", () => {});
    this.#pool.on("connect", (client) => client.on("error", () => {}));
    this.#refill = setInterval(() => this.#fill(), REFILL_MS);
    this.#fill();
  }

  async ready() {
    await this.#run((client) => client.query(READY));
  }

  /** The row of a user, or undefined. One round trip. */
  async user(id) {
    const { rows } = await this.#run((client) => client.query({ ...GET_USER, values: [id] }));
    return rows[0];
  }

  /** A page of rows and the number of all users: two round trips, one after the other on the same connection. */
  async users(limit, offset) {
    return this.#run(async (client) => {
      const { rows } = await client.query({ ...LIST_USERS, values: [limit, offset] });
      const { rows: count } = await client.query(COUNT_USERS);
      return { rows, total: count[0].count };
    });
  }

  async close() {
    clearInterval(this.#refill);
    await this.#pool.end();
  }

  /** Waiting for a connection and `work` together may take the time limit; then the connection is given up. */
  async #run(work) {
    const lease = new Lease();
    let timer;
    const expired = new Promise((_, reject) => {
      timer = setTimeout(() => {
        lease.expire();
        reject(new Error(`no answer within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
    });
    try {
      return await Promise.race([this.#attempts(lease, work), expired]);
    } catch (error) {
      throw new Unavailable(error.message, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * There is no ping before use, which would be a second round trip. A query that finds its connection dead is run
   * again on another: all of them only read. One attempt more than there are connections meets a fresh one.
   */
  async #attempts(lease, work) {
    for (let left = this.#size; ; left -= 1) {
      lease.take(await this.#pool.connect());
      try {
        const result = await work(lease.client);
        lease.giveBack();
        return result;
      } catch (error) {
        const dead = isDead(error);
        lease.giveBack(dead);
        if (!dead || left === 0 || lease.expired) throw error;
      }
    }
  }

  /** Who holds all connections of a pool at once has opened them; one after the other, so that a database that is
   * down is asked once and not for each of them. */
  async #fill() {
    if (this.#filling || this.#pool.totalCount >= this.#size) return;
    this.#filling = true;
    const held = [];
    try {
      while (held.length < this.#size && this.#pool.totalCount < this.#size) {
        held.push(await this.#pool.connect());
      }
      if (this.#away) log("info", "the database is back");
      this.#away = false;
    } catch (error) {
      if (!this.#away) log("error", "the database is away", { error: error.message });
      this.#away = true;
    } finally {
      for (const client of held) client.release();
      this.#filling = false;
    }
  }
}

/** One connection in the hands of one request, given back exactly once. */
class Lease {
  client = null;
  expired = false;

  take(client) {
    this.client = client;
    if (this.expired) {
      this.giveBack();
      throw new Error("the request is over");
    }
  }

  giveBack(destroy = false) {
    this.client?.release(destroy);
    this.client = null;
  }

  /** A query may still be under way: only closing the connection ends it. */
  expire() {
    this.expired = true;
    this.giveBack(true);
  }
}

/** Anything but a server's refusal of the statement itself; 08 and 57P: the connection or the server is going away. */
function isDead(error) {
  return !(error instanceof pg.DatabaseError) || /^(08|57P)/.test(error.code ?? "");
}
