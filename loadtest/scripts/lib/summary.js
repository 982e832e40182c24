// What is left of a run besides the samples: one JSON file (BENCH_SUMMARY), or a few lines when started by hand.
import { levels } from './plan.js';

const ENDPOINTS = ['user', 'users'];
const PHASES = ['warmup', 'measure'];

// k6's name of a statistic -> ours. Times are in milliseconds, as k6 gives them; percentiles interpolate linearly.
const TREND = {
  min: 'min', avg: 'avg', med: 'p50', 'p(90)': 'p90', 'p(95)': 'p95', 'p(99)': 'p99', 'p(99.9)': 'p999', max: 'max', count: 'count',
};

function value(data, metric, key) {
  const found = data.metrics[metric];
  return found && found.values[key] !== undefined ? found.values[key] : 0;
}

function trend(data, metric) {
  const result = {};
  for (const [theirs, ours] of Object.entries(TREND)) result[ours] = value(data, metric, theirs);
  return result;
}

function phaseFigures(data, phase) {
  return {
    http_reqs: value(data, `http_reqs{phase:${phase}}`, 'count'),
    // k6's Rate counts what is true as passes: here, what failed.
    http_req_failed: value(data, `http_req_failed{phase:${phase}}`, 'passes'),
    failed_checks: value(data, `failed_checks{phase:${phase}}`, 'count'),
    dropped_iterations: value(data, `dropped_iterations{scenario:${phase}}`, 'count'),
  };
}

function endpointFigures(data, endpoint) {
  const tags = `{phase:measure,endpoint:${endpoint}}`;
  return {
    http_reqs: value(data, `http_reqs${tags}`, 'count'),
    http_req_duration: trend(data, `http_req_duration${tags}`),
    bodies: value(data, `bodies${tags}`, 'count'),
    body_bytes: value(data, `body_bytes${tags}`, 'count'),
  };
}

function figures(plan, data) {
  const from = (names, make) => Object.fromEntries(names.map((name) => [name, make(data, name)]));
  return {
    schema_version: 1,
    unit: 'ms',
    plan: {
      executor: plan.executor,
      warmup_s: plan.warmupS,
      measure_s: plan.measureS,
      vus: plan.vus,
      levels: levels(plan), // one per step of equal length: VUs, or requests a second
      think_time_ms: plan.thinkTimeMs,
      mix: plan.mix,
      users: plan.users,
      seed: plan.seed,
      exact_lengths: plan.expectedFile !== '',
    },
    measure: {
      ...phaseFigures(data, 'measure'),
      http_req_duration: trend(data, 'http_req_duration{phase:measure}'),
      endpoints: from(ENDPOINTS, endpointFigures),
    },
    warmup: phaseFigures(data, 'warmup'),
    // Of the whole run: set-up, warm-up and measurement.
    total: {
      duration_ms: data.state.testRunDurationMs,
      http_reqs: value(data, 'http_reqs', 'count'),
      data_received: value(data, 'data_received', 'count'),
      data_sent: value(data, 'data_sent', 'count'),
      iterations: value(data, 'iterations', 'count'),
      vus_max: value(data, 'vus_max', 'max'),
    },
  };
}

function byHand(result) {
  const { measure } = result;
  const d = measure.http_req_duration;
  const ms = (x) => `${x.toFixed(2)} ms`;
  return [
    `${measure.http_reqs} requests in ${result.plan.measure_s} s after ${result.plan.warmup_s} s of warm-up`,
    `p50 ${ms(d.p50)}, p95 ${ms(d.p95)}, p99 ${ms(d.p99)}, max ${ms(d.max)}`,
    `failed requests ${measure.http_req_failed}, wrong answers ${measure.failed_checks}, dropped iterations ${measure.dropped_iterations}`,
    '',
  ].join('\n');
}

export function summarise(plan, data) {
  const result = figures(plan, data);
  return plan.summaryFile ? { [plan.summaryFile]: `${JSON.stringify(result, null, 2)}\n` } : { stdout: byHand(result) };
}
