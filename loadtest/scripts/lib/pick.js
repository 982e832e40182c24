// Which request comes next: a seeded choice, the same for every target in the same block.
import exec from 'k6/execution';
import { draw, mix32, streamOf } from './draw.js';
import { PAGE_SIZE } from './plan.js';

const PHASE_SALT = { warmup: 0x5bd1e995, measure: 0 };

// The n-th choice of a stream. A stream is (seed, phase, VU); n counts from 0.
function choose(stream, n, plan, pages) {
  const kind = draw(stream, n);
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
  const stream = (phase, vu) => streamOf(plan, vu, PHASE_SALT[phase]);
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
