// How a closed loop with a record ends: no request starts after the planned end; then each user hands over its rows
// and sleeps until the scenario is over, which k6 is told to make TAIL_S longer than the measurement.
import exec from 'k6/execution';
import { sleep } from 'k6';
import { REQUEST_TIMEOUT_S } from './plan.js';
import { longestThinkMs, pause } from './think.js';

export const TAIL_S = 0.4;
// Handing over takes milliseconds of k6's core: first, the others' last requests finish.
const SETTLE_S = 0.1;
// A request that starts earlier than this before the end is over before the end.
const LONGEST_MS = REQUEST_TIMEOUT_S * 1000 + 100;

const now = Date.now;

// Returns one measured iteration: `send` sends a request, given the time; `think` draws a pause in seconds.
export function closedLoop(plan, record, send, think) {
  let endMs = 0; // known to a user from its first measured iteration on
  let calmMs = 0; // a request that starts before this is not the last one

  function begin() {
    endMs = exec.scenario.startTime + plan.measureS * 1000;
    calmMs = endMs - LONGEST_MS - longestThinkMs(plan);
    // k6 starts all users at once: they must not send their first requests as one burst.
    pause(think());
  }

  function finish() {
    sleep(SETTLE_S);
    record.handOver();
    // A little longer than the scenario, so that k6 starts nothing more.
    sleep(Math.max(0.05, (endMs - now()) / 1000 + TAIL_S + 0.1));
  }

  function nearTheEnd(startMs) {
    if (startMs < endMs) {
      send(startMs);
      const pauseS = think();
      // A slow last request ends when the scenario is over: there is no other iteration then.
      if (now() + pauseS * 1000 < endMs) {
        pause(pauseS);
        return;
      }
    }
    finish();
  }

  return () => {
    if (endMs === 0) begin();
    const startMs = now();
    if (startMs < calmMs) {
      send(startMs);
      pause(think());
    } else {
      nearTheEnd(startMs);
    }
  };
}
