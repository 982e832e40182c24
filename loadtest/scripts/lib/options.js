// Turns the plan into k6 options.
import { REQUEST_TIMEOUT_S, levels } from './plan.js';

// Requests in flight at the end of the measurement may finish. Longer than any request may take (REQUEST_TIMEOUT_S),
// so that no measured request is cut off and missing from the samples.
const MEASURE_DRAIN_S = REQUEST_TIMEOUT_S + 1;
// The pause between warm-up and measurement, in which the last requests of the warm-up finish, so that the same VUs
// go on with their open connections; without it k6 would start as many fresh ones, and the measurement would open cold.
const PAUSE_S = 0.5;
// Declares a sub-metric, so that it is in the summary; never fails.
const ALWAYS = { Trend: 'max>=0', Counter: 'count>=0', Rate: 'rate>=0' };

const text = (s) => `${Math.round(s * 1000)}ms`;

function load(plan, durationS) {
  const seconds = text(durationS);
  const perStep = text(durationS / plan.steps);
  const all = levels(plan);
  // A stage of no length jumps to its target: steps, not slopes.
  const stages = all.flatMap((target) => [{ target, duration: '0s' }, { target, duration: perStep }]);
  const pool = { timeUnit: '1s', preAllocatedVUs: plan.vus, maxVUs: plan.vus };
  switch (plan.executor) {
    case 'constant-vus':
      return { vus: plan.vus, duration: seconds };
    case 'ramping-vus':
      return { startVUs: all[0], stages, gracefulRampDown: '0s' };
    case 'constant-arrival-rate':
      return { rate: plan.rate, duration: seconds, ...pool };
    default:
      return { startRate: all[0], stages, ...pool };
  }
}

function scenario(plan, phase, startS, durationS, drainS) {
  return {
    executor: plan.executor,
    exec: phase,
    startTime: text(startS),
    gracefulStop: text(drainS),
    tags: { phase },
    ...load(plan, durationS),
  };
}

// The warm-up of a ramping profile stays at the first step.
function warmupPlan(plan) {
  const first = levels(plan)[0];
  const constant = { ...plan, executor: plan.executor.replace('ramping', 'constant'), steps: 1 };
  return plan.arrival ? { ...constant, rate: first } : { ...constant, vus: first };
}

function submetrics() {
  const thresholds = {};
  const declare = (name, kind) => {
    thresholds[name] = [ALWAYS[kind]];
  };
  declare('http_req_duration{phase:measure}', 'Trend');
  for (const endpoint of ['user', 'users']) {
    declare(`http_req_duration{phase:measure,endpoint:${endpoint}}`, 'Trend');
    declare(`http_reqs{phase:measure,endpoint:${endpoint}}`, 'Counter');
    declare(`bodies{phase:measure,endpoint:${endpoint}}`, 'Counter');
    declare(`body_bytes{phase:measure,endpoint:${endpoint}}`, 'Counter');
  }
  for (const phase of ['warmup', 'measure']) {
    declare(`http_reqs{phase:${phase}}`, 'Counter');
    declare(`http_req_failed{phase:${phase}}`, 'Rate');
    declare(`failed_checks{phase:${phase}}`, 'Counter');
    declare(`dropped_iterations{scenario:${phase}}`, 'Counter');
  }
  return thresholds;
}

export function buildOptions(plan) {
  const drain = MEASURE_DRAIN_S + plan.thinkTimeMs / 1000;
  return {
    scenarios: {
      warmup: scenario(warmupPlan(plan), 'warmup', 0, plan.warmupS, PAUSE_S),
      measure: scenario(plan, 'measure', plan.warmupS + PAUSE_S, plan.measureS, drain),
    },
    thresholds: submetrics(),
    summaryTrendStats: ['min', 'avg', 'med', 'p(90)', 'p(95)', 'p(99)', 'p(99.9)', 'max', 'count'],
    // Fewer tags, less work per request; `scenario` tells dropped iterations of the two phases apart.
    systemTags: ['status', 'expected_response', 'error_code', 'scenario'],
    maxRedirects: 0,
    setupTimeout: '10s',
  };
}
