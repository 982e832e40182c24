// How a closed loop with a record ends: no request starts after the planned end; then each user hands over its rows
// and sleeps until the scenario is over, which k6 is told to make TAIL_S longer than the measurement.
import exec from 'k6/execution';
import { sleep } from 'k6';
import { REQUEST_TIMEOUT_S } from './plan.js';

export const TAIL_S = 0.4;
// Handing over takes milliseconds of k6's core: first, the others' last requests finish.
const SETTLE_S = 0.1;
// A request that starts earlier than this before the end is over before the end.
const LONGEST_MS = REQUEST_TIMEOUT_S * 1000 + 100;

const now = Date.now;

// Returns one measured iteration: `send` sends a request, given the time.
export function closedLoop(plan, record, send) {
  const thinkTimeS = plan.thinkTimeMs / 1000;
  let endMs = 0; // known to a user from its first measured iteration on
  let calmMs = 0; // a request that starts before this is not the last one

  function begin() {
    endMs = exec.scenario.startTime + plan.measureS * 1000;
    calmMs = endMs - LONGEST_MS - plan.thinkTimeMs;
  }

  function finish() {
    sleep(SETTLE_S);
    record.handOver();
    // A little longer than the scenario, so that k6 starts nothing more.
    sleep(Math.max(0.05, (endMs - now()) / 1000 + TAIL_S + 0.1));
  }

  function nearTheEnd(startMs) {
    if (endMs === 0) begin();
    if (startMs < endMs) {
      send(startMs);
      // A slow last request ends when the scenario is over: there is no other iteration then.
      if (now() + plan.thinkTimeMs < endMs) {
        if (thinkTimeS > 0) sleep(thinkTimeS);
        return;
      }
    }
    finish();
  }

  return () => {
    const startMs = now();
    if (startMs < calmMs) {
      send(startMs);
      if (thinkTimeS > 0) sleep(thinkTimeS);
    } else {
      nearTheEnd(startMs);
    }
  };
}
