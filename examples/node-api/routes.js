// The answers of api-contract/openapi.yaml.

import { logFailure } from "./log.js";
import { parsePage } from "./page.js";

const OK = '{"status":"ok"}';
const READY = '{"status":"ready"}';
const BAD_REQUEST = '{"error":"bad_request"}';
const NOT_FOUND = '{"error":"not_found"}';
const METHOD_NOT_ALLOWED = '{"error":"method_not_allowed"}';
const UNAVAILABLE = '{"error":"unavailable"}';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The listener of a `node:http` server; once `isDraining`, each answer is its connection's last. */
export function routes(database, isDraining) {
  return async (request, response) => {
    const [status, body] = await answer(database, request);
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    if (status === 405) headers.Allow = "GET, HEAD";
    if (isDraining()) headers.Connection = "close";
    response.writeHead(status, headers);
    response.end(body); // node:http leaves the body of HEAD out
  };
}

async function answer(database, { method, url }) {
  const mark = url.indexOf("?");
  const route = find(mark < 0 ? url : url.slice(0, mark));
  if (!route) return [404, NOT_FOUND];
  if (method !== "GET" && method !== "HEAD") return [405, METHOD_NOT_ALLOWED];
  try {
    return await route(database, mark < 0 ? "" : url.slice(mark + 1));
  } catch (error) {
    logFailure("no answer from the database", error);
    return [503, UNAVAILABLE];
  }
}

/** Paths are split at their slashes first and decoded second: an encoded slash is part of its segment. */
function find(path) {
  const [root, first, second, ...rest] = path.split("/");
  if (root !== "" || rest.length > 0) return null;
  const name = decode(first ?? "");
  if (second === undefined) return ROUTES.get(name) ?? null;
  if (name !== "users" || second === "") return null;
  return (database) => user(database, decode(second));
}

function decode(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

const ROUTES = new Map(Object.entries({ healthz, readyz, users }));

async function healthz() {
  return [200, OK];
}

async function readyz(database) {
  await database.ready();
  return [200, READY];
}

async function user(database, id) {
  if (id === null || !UUID.test(id)) return [400, BAD_REQUEST];
  const row = await database.user(id);
  return row ? [200, JSON.stringify(shown(row))] : [404, NOT_FOUND];
}

async function users(database, query) {
  const page = parsePage(query);
  if (!page) return [400, BAD_REQUEST];
  const { rows, total } = await database.users(page.limit, page.offset);
  // `offset` and `total` have 64 bits, which JSON.stringify cannot write.
  return [200, `{"items":${JSON.stringify(rows.map(shown))},"limit":${page.limit},"offset":${page.offset},"total":${total}}`];
}

/** The columns are in the contract's order already; only the time is written in another way: whole seconds. */
function shown(row) {
  row.created_at = `${row.created_at.toISOString().slice(0, 19)}Z`;
  return row;
}
