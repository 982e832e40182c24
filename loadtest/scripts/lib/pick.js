// Which request comes next: a seeded choice, the same for every target in the same block.
import exec from 'k6/execution';
import { PAGE_SIZE } from './plan.js';

// A good 32-bit mixer (lowbias32, Chris Wellons).
export function mix32(value) {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

const PHASE_SALT = { warmup: 0x5bd1e995, measure: 0 };

// The n-th choice of a stream. A stream is (seed, phase, VU); n counts from 0.
function choose(stream, n, plan, pages) {
  const kind = mix32(stream + Math.imul(n, 0x9e3779b9));
  const which = mix32(kind ^ 0x85ebca6b);
  return kind % (plan.mix.user + plan.mix.users) < plan.mix.user
    ? { endpoint: 'user', index: which % plan.users }
    : { endpoint: 'users', index: which % pages };
}

// Returns a function from the phase to the next choice: an index of a user, or of a page.
// Closed loop: each VU goes through a stream of its own. Open loop: which VU serves an arrival is chance, so all VUs
// share one stream, and the n-th arrival is the same request whoever sends it.
export function picker(plan) {
  const pages = Math.ceil(plan.users / PAGE_SIZE);
  const seed = mix32(plan.seed) ^ mix32(plan.seed / 2 ** 32 + 1); // both halves of a large seed
  const stream = (phase, vu) => mix32(seed ^ mix32(vu) ^ PHASE_SALT[phase]);
  if (plan.arrival) {
    const streams = { warmup: stream('warmup', 0), measure: stream('measure', 0) };
    return (phase) => choose(streams[phase], exec.scenario.iterationInTest, plan, pages);
  }
  let streams = null; // made at the first call: a VU does not know its number before
  const count = { warmup: 0, measure: 0 };
  return (phase) => {
    if (streams === null) streams = { warmup: stream('warmup', __VU), measure: stream('measure', __VU) };
    const n = count[phase];
    count[phase] = n + 1;
    return choose(streams[phase], n, plan, pages);
  };
}
