// The program: one process with one worker, else one process a worker, each with a pool of its own.
//
// It exits with 0 after SIGTERM or SIGINT, with 1 when it cannot listen, and with 2 when a variable makes no sense.

import cluster from "node:cluster";
import { createRequire } from "node:module";
import { readConfig, ConfigError } from "./config.js";
import { work } from "./worker.js";

const RESTART_DELAY_MS = 1000;

function main() {
  const require = createRequire(import.meta.url);
  if (process.argv[2] === "--version") {
    const { name, version } = require("./package.json");
    console.log(`${name} ${version} node ${process.version} pg ${require("pg/package.json").version}`);
    return;
  }
  let config;
  try {
    config = readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`node-api: environment: ${error.message}`);
    process.exitCode = 2;
    return;
  }
  if (cluster.isPrimary && config.workers > 1) supervise(config.workers);
  else work(config);
}

/** Starts the workers, replaces those that die, and ends with them. */
function supervise(count) {
  let stopping = false;
  const start = () => {
    if (stopping) return;
    const worker = cluster.fork();
    let listened = false;
    worker.on("listening", () => (listened = true));
    worker.on("exit", (code) => {
      if (stopping) return;
      if (listened) return void setTimeout(start, RESTART_DELAY_MS);
      // It could not even start, and has said why.
      process.exitCode = code || 1;
      stop();
    });
  };
  const stop = () => {
    if (stopping) return;
    stopping = true;
    for (const worker of Object.values(cluster.workers)) worker.process.kill("SIGTERM");
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  for (let number = 0; number < count; number += 1) start();
}

main();
