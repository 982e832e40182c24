// The log: one JSON object a line on stderr.

export function log(level, message, fields = {}) {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
}

let quietUntil = 0;
let omitted = 0;

/** An error of which there may be thousands a second: at most one line a second, with how many were left out. */
export function logFailure(message, error) {
  const now = performance.now();
  if (now < quietUntil) {
    omitted += 1;
    return;
  }
  log("error", message, { error: error.message, omitted });
  quietUntil = now + 1000;
  omitted = 0;
}
