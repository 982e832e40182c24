// The latencies of the last second, printed by a few users of the load while it runs: for eyes only, where somebody
// watches a terminal. All requests are in the record, which users hand over when the load is over.
const USERS = 8;
const PERIOD_MS = 1000;

// Returns a function that makes of `keep`, a keeper of the record, one that also tells. One teller for each user.
export function teller() {
  let latencies = [];
  let toldMs = 0;

  function tell(startMs) {
    toldMs = startMs;
    console.log(`BENCH-LIVE ${latencies.join(' ')}`);
    latencies = [];
  }

  return (keep) => (startMs, timings) => {
    keep(startMs, timings);
    if (__VU > USERS) return;
    latencies.push(timings.duration.toFixed(3));
    if (startMs - toldMs >= PERIOD_MS) tell(startMs);
  };
}
