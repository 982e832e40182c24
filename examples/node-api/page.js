// limit and offset of GET /users. URLSearchParams would forgive what the contract refuses.

const MAX_LIMIT = 200n;
const MAX_OFFSET = 2n ** 63n - 1n;

/**
 * The page that a query asks for, or null when `limit` or `offset` is malformed, out of range or repeated. `offset` is
 * a text: not every 64-bit number is a JavaScript number.
 */
export function parsePage(query) {
  const found = {};
  for (const pair of query.split("&")) {
    const equals = pair.indexOf("=");
    const key = decode(equals < 0 ? pair : pair.slice(0, equals));
    if (key !== "limit" && key !== "offset") continue;
    const digits = equals < 0 ? "" : decode(pair.slice(equals + 1));
    if (key in found || digits === null || !/^[0-9]+$/.test(digits)) return null;
    found[key] = BigInt(digits);
  }
  const { limit = 50n, offset = 0n } = found;
  if (limit < 1n || limit > MAX_LIMIT || offset > MAX_OFFSET) return null;
  return { limit: Number(limit), offset: String(offset) };
}

/** A form-encoded text, or null when it has a broken escape or is not UTF-8. */
function decode(text) {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}
