// One row per request, kept by each user of the load in memory and handed over once, when the load is over: k6's own
// outputs cost 20 to 40% of its throughput. Runs for every request, on the core that k6 needs for the load, so: three
// numbers a row, no objects. The crate lab-record reads the lines; ../../README.md describes them.
import { b64encode } from 'k6/encoding';

const VERSION = 1;
const NUMBERS = 3; // a row: packed start, duration, waiting
const ROW_BYTES = NUMBERS * 8;
// Rows to a line: lines of 33 kB.
const CHUNK_ROWS = 1024;
// The first number is (ms since the base) * CODE + status * STATUS + endpoint * ENDPOINT + phase: exact up to 2^53.
const CODE = 65536;
const STATUS = 64;
const ENDPOINT = 8;

const PHASES = ['warmup', 'measure'];
const ENDPOINTS = ['user', 'users'];

// What a request is, as the recorder's `add` wants it.
export function kindOf(phase, endpoint) {
  return ENDPOINTS.indexOf(endpoint) * ENDPOINT + PHASES.indexOf(phase);
}

// Each user has a recorder of its own, with an equal share of the rows that all may keep.
export function recorder(plan) {
  const share = Math.floor(plan.recordRows / plan.vus);
  const chunkRows = Math.min(CHUNK_ROWS, share);
  const chunkNumbers = chunkRows * NUMBERS;
  const chunksMost = Math.floor(share / chunkRows);
  const baseMs = Date.now();
  const full = [];
  let chunk = new Float64Array(chunkNumbers);
  let at = 0;
  let dropped = 0;
  let done = false;

  // Makes room for a row; false when there is none.
  function room() {
    if (full.length + 1 === chunksMost) {
      dropped += 1;
      return false;
    }
    full.push(chunk);
    chunk = new Float64Array(chunkNumbers);
    at = 0;
    return true;
  }

  function handOverChunk(number, buffer) {
    console.log(`BENCH-RECORD ${__VU} ${number} ${b64encode(buffer)}`);
  }

  return {
    // `timings` is k6's: an object of Go, in which each look costs 0.1 microseconds.
    add(startMs, kind, status, timings) {
      if (at === chunkNumbers && !room()) return;
      chunk[at] = (startMs - baseMs) * CODE + status * STATUS + kind;
      chunk[at + 1] = timings.duration;
      chunk[at + 2] = timings.waiting;
      at += NUMBERS;
    },

    // Everything this user has; nothing when it is called again.
    handOver() {
      if (done) return;
      done = true;
      full.forEach((whole, number) => handOverChunk(number, whole.buffer));
      if (at > 0) handOverChunk(full.length, chunk.buffer.slice(0, (at / NUMBERS) * ROW_BYTES));
      const end = {
        version: VERSION,
        vu: __VU,
        vus: plan.vus,
        chunks: full.length + (at > 0 ? 1 : 0),
        rows: full.length * chunkRows + at / NUMBERS,
        dropped,
        base_ms: baseMs,
        phases: PHASES,
        endpoints: ENDPOINTS,
      };
      console.log(`BENCH-RECORD-END ${JSON.stringify(end)}`);
      if (dropped > 0) {
        console.error(`user ${__VU} of the load dropped ${dropped} rows: its record holds ${end.rows} (BENCH_RECORD_ROWS)`);
      }
    },
  };
}
