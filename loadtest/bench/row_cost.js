// What keeping a row costs, in nanoseconds a request, measured inside k6: the median over requests of the time that the
// recorder takes, less that of a function that does nothing. Medians of such short times are steady on a machine that
// does other things too, where ratios of throughput (./recording) need many blocks. One user, some 2 seconds:
//
//     k6 run --quiet -e BENCH_BASE_URL=http://127.0.0.1:8080 loadtest/bench/row_cost.js
import exec from 'k6/execution';
import http from 'k6/http';
import { userId } from '../scripts/lib/ids.js';
import { recorder } from '../scripts/lib/record.js';

const REQUESTS = 8000;

export const options = { vus: 1, iterations: 1, summaryTrendStats: ['med'] };

const now = Date.now;

function median(values) {
  values.sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)];
}

export default function rowCost() {
  const keep = recorder({ recordRows: 1000000, vus: 1 }).keeper('measure', 'user', 200);
  const cases = {
    nothing: () => {},
    'the time before the request': () => now(),
    "k6's timings": (response) => {
      const { timings } = response;
      return timings.duration + timings.waiting;
    },
    'a row, with both': (response) => keep(now(), response.timings),
  };
  const names = Object.keys(cases);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  const { instance } = exec;
  for (let i = 0; i < REQUESTS; i += 1) {
    const response = http.get(`${__ENV.BENCH_BASE_URL}/users/${userId(i)}`, { responseType: 'binary' });
    if (response.status !== 200) throw new Error(`status ${response.status}: is BENCH_BASE_URL a service of the lab?`);
    const name = names[i % names.length];
    const work = cases[name];
    const before = instance.currentTestRunDuration;
    work(response);
    times[name].push(instance.currentTestRunDuration - before);
  }
  const base = median(times.nothing);
  for (const name of names.slice(1)) console.log(`${((median(times[name]) - base) * 1e6).toFixed(0)} ns: ${name}`);
}

// No summary of k6's: it would be about the requests.
export function handleSummary() {
  return {};
}
