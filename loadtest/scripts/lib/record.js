// One row per request, kept by each user of the load in memory and handed over once, when the load is over: k6's own
// outputs cost 20 to 40% of its throughput. Runs for every request, on the core that k6 needs for the load, where an
// operation of JavaScript costs some 50 to 100 ns: so rows of one phase, endpoint and status are kept together, and
// only what differs is stored. The crate lab-record reads the lines; ../../README.md describes them.
import { b64encode } from 'k6/encoding';

const VERSION = 1;
const COLUMNS = 3; // start, duration, waiting
const ROW_BYTES = COLUMNS * 8;
// Rows allocated at a time, and handed over in one line of 33 kB.
const PART_ROWS = 1024;

const column = (buffer, rows, number) => new Float64Array(buffer, number * rows * 8, rows);

// The first `used` rows of a part that was made for `rows`, without a gap between the columns.
function compact(buffer, rows, used) {
  if (used === rows) return buffer;
  const result = new Float64Array(used * COLUMNS);
  for (let i = 0; i < COLUMNS; i += 1) result.set(column(buffer, rows, i).subarray(0, used), i * used);
  return result.buffer;
}

// Each user has a recorder of its own, with an equal share of the rows that all may keep.
export function recorder(plan) {
  const share = Math.floor(plan.recordRows / plan.vus);
  const partRows = Math.min(PART_ROWS, Math.max(1, Math.floor(share / 8)));
  let partsLeft = Math.floor(share / partRows);
  let dropped = 0;
  let done = false;
  const keepers = {}; // by name

  // Keeps the requests of one phase, endpoint and status.
  function makeKeeper(name) {
    const full = [];
    let buffer = null;
    let starts = null;
    let durations = null;
    let waitings = null;
    let used = partRows;

    // Makes room for a row; false when there is none.
    function room() {
      if (partsLeft === 0) {
        dropped += 1;
        return false;
      }
      partsLeft -= 1;
      if (buffer !== null) full.push(buffer);
      buffer = new ArrayBuffer(partRows * ROW_BYTES);
      starts = column(buffer, partRows, 0);
      durations = column(buffer, partRows, 1);
      waitings = column(buffer, partRows, 2);
      used = 0;
      return true;
    }

    return {
      // `timings` is k6's. Half of what a row costs is asking it.
      keep(startMs, timings) {
        if (used === partRows && !room()) return;
        starts[used] = startMs;
        durations[used] = timings.duration;
        waitings[used] = timings.waiting;
        used += 1;
      },

      // Calls `line` with name and bytes of each part; returns the number of rows.
      handOver(line) {
        if (buffer === null) return 0;
        for (const whole of full) line(name, whole);
        line(name, compact(buffer, partRows, used));
        return full.length * partRows + used;
      },
    };
  }

  // The function (startMs, timings) that keeps a request of this outcome.
  function keeper(phase, endpoint, status) {
    const name = `${phase} ${endpoint} ${status}`;
    if (!(name in keepers)) keepers[name] = makeKeeper(name);
    return keepers[name].keep;
  }

  // Everything this user has; nothing when it is called again.
  function handOver() {
    if (done) return;
    done = true;
    let parts = 0;
    const line = (name, buffer) => {
      console.log(`BENCH-RECORD ${__VU} ${parts} ${name} ${b64encode(buffer)}`);
      parts += 1;
    };
    const rows = Object.values(keepers).reduce((sum, one) => sum + one.handOver(line), 0);
    const end = { version: VERSION, vu: __VU, vus: plan.vus, parts, rows, dropped };
    console.log(`BENCH-RECORD-END ${JSON.stringify(end)}`);
    if (dropped > 0) {
      console.error(`user ${__VU} of the load dropped ${dropped} rows: its record holds ${rows} (BENCH_RECORD_ROWS)`);
    }
  }

  return { keeper, handOver };
}
