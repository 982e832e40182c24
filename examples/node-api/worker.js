// One worker: a pool, a server, and an orderly end.

import http from "node:http";
import { Database } from "./database.js";
import { log } from "./log.js";
import { routes } from "./routes.js";

// The limits of a request's head are the same in every service of the lab (docs/BIAS.md).
const HEAD_MS = 75_000;
const MAX_HEAD = 64 * 1024;
// From SIGTERM to exit the service has ten seconds: requests in flight get the first eight, the pool one more.
const DRAIN_MS = 8000;
const CLOSE_MS = 1000;

/** Serves until SIGTERM or SIGINT. */
export function work(config) {
  const database = new Database(config);
  const server = http.createServer({
    keepAliveTimeout: HEAD_MS,
    headersTimeout: HEAD_MS,
    maxHeaderSize: MAX_HEAD,
  });
  let draining = false;
  server.on("request", routes(database, () => draining));

  server.on("error", (error) => {
    // Node's own words, such as "listen EADDRINUSE: address already in use 127.0.0.1:8084".
    console.error(`node-api: cannot listen on HOST and PORT: ${error.message}`);
    process.exit(1);
  });
  server.listen({ host: config.host, port: config.port, backlog: 2048 }, () => {
    log("info", "listening", { host: config.host, port: config.port });
  });

  const stop = async () => {
    log("info", "draining");
    draining = true;
    await within(DRAIN_MS, new Promise((done) => server.close(done)));
    server.closeAllConnections();
    // A database that hangs does not take our farewell; the end of the process closes the sockets.
    await within(CLOSE_MS, database.close());
    process.exit(0);
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

/** Waits for `promise`, but no longer than `ms` milliseconds. */
function within(ms, promise) {
  return Promise.race([promise, new Promise((done) => setTimeout(done, ms))]);
}
