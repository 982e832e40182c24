// Counts what the receipt needs, at next to no cost.
import { Counter } from 'k6/metrics';

const bodies = new Counter('bodies');
const bodyBytes = new Counter('body_bytes');
const failedChecks = new Counter('failed_checks');

// A counter's sample costs 5 microseconds, so bytes are summed here and handed on every FLUSH_EVERY bodies of a VU and
// endpoint. What a VU has not handed on at the end is missing from both counters: their quotient is exact for the
// bodies it covers, and `bodies` says how many those are.
const FLUSH_EVERY = 64;
const MESSAGES_PER_VU = 3;

const sums = {
  warmup: { user: { bodies: 0, bytes: 0 }, users: { bodies: 0, bytes: 0 } },
  measure: { user: { bodies: 0, bytes: 0 }, users: { bodies: 0, bytes: 0 } },
};
let messages = 0;

export function countBody(phase, endpoint, bytes) {
  const sum = sums[phase][endpoint];
  sum.bodies += 1;
  sum.bytes += bytes;
  if (sum.bodies === FLUSH_EVERY) {
    bodies.add(sum.bodies, { endpoint });
    bodyBytes.add(sum.bytes, { endpoint });
    sum.bodies = 0;
    sum.bytes = 0;
  }
}

export function countFailure(endpoint, url, problem) {
  failedChecks.add(1, { endpoint });
  if (messages < MESSAGES_PER_VU) {
    messages += 1;
    console.error(`wrong answer to GET ${url}: ${problem}`);
  }
}
