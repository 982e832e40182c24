// Turns the plan into k6 options.
import { REQUEST_TIMEOUT_S, levels } from './plan.js';
import { TAIL_S } from './closing.js';
import { longestThinkMs } from './think.js';

// Requests in flight at the end of the measurement may finish. Longer than any request may take (REQUEST_TIMEOUT_S),
// so that no measured request is cut off and missing from the record. With an arrival rate, what comes after the
// measurement waits this long even when all requests are done.
const DRAIN_S = REQUEST_TIMEOUT_S + 0.5;
// Handing over takes milliseconds; on a machine that hangs, seconds.
const HANDOVER_MOST_S = 20;
// The pause between warm-up and measurement, in which the last requests of the warm-up finish, so that the same VUs
// go on with their open connections; without it k6 would start as many fresh ones, and the measurement would open cold.
const PAUSE_S = 0.5;
// Declares a sub-metric, so that it is in the summary; never fails.
const ALWAYS = { Trend: 'max>=0', Counter: 'count>=0', Rate: 'rate>=0' };

const text = (s) => `${Math.round(s * 1000)}ms`;

// `tailS`: how much longer than its steps a closed loop lasts.
function load(plan, durationS, tailS) {
  const perStep = text(durationS / plan.steps);
  const all = levels(plan);
  // A stage of no length jumps to its target: steps, not slopes.
  const stages = all.flatMap((target) => [{ target, duration: '0s' }, { target, duration: perStep }]);
  const pool = { timeUnit: '1s', preAllocatedVUs: plan.vus, maxVUs: plan.vus };
  switch (plan.executor) {
    case 'constant-vus':
      // A ramp that does not rise: k6 takes no other scenario of less than a second.
      if (durationS + tailS < 1) {
        return { executor: 'ramping-vus', startVUs: plan.vus, stages: [{ target: plan.vus, duration: text(durationS) }], gracefulRampDown: '0s' };
      }
      return { vus: plan.vus, duration: text(durationS + tailS) };
    case 'ramping-vus':
      stages.push({ target: all[all.length - 1], duration: text(tailS) });
      return { startVUs: all[0], stages, gracefulRampDown: '0s' };
    case 'constant-arrival-rate':
      return { rate: plan.rate, duration: text(durationS), ...pool };
    default:
      return { startRate: all[0], stages, ...pool };
  }
}

function scenario(phase, startS, drainS, executor) {
  return { exec: phase, startTime: text(startS), gracefulStop: text(drainS), tags: { phase }, ...executor };
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

function scenarios(plan) {
  const measureAtS = plan.warmupS + PAUSE_S;
  const first = warmupPlan(plan);
  const warmup = { executor: first.executor, ...load(first, plan.warmupS, 0) };
  const closes = plan.record && !plan.arrival;
  const measure = { executor: plan.executor, ...load(plan, plan.measureS, closes ? TAIL_S : 0) };
  const drainS = DRAIN_S + (closes ? HANDOVER_MOST_S : longestThinkMs(plan) / 1000);
  const all = {
    warmup: scenario('warmup', 0, PAUSE_S, warmup),
    measure: scenario('measure', measureAtS, drainS, measure),
  };
  if (plan.record && plan.arrival) {
    // The measurement is over and its users are free: k6 takes the same ones, each for one iteration.
    const each = { executor: 'per-vu-iterations', vus: plan.vus, iterations: 1, maxDuration: text(HANDOVER_MOST_S) };
    all.handover = scenario('handover', measureAtS + plan.measureS + drainS, 0, each);
  }
  return all;
}

export function buildOptions(plan) {
  return {
    scenarios: scenarios(plan),
    thresholds: submetrics(),
    summaryTrendStats: ['min', 'avg', 'med', 'p(90)', 'p(95)', 'p(99)', 'p(99.9)', 'max', 'count'],
    // Fewer tags, less work per request; `scenario` tells dropped iterations of the two phases apart.
    systemTags: ['status', 'expected_response', 'error_code', 'scenario'],
    maxRedirects: 0,
    // As every client of the lab calls itself: no service can be kinder to the load than to the checks.
    userAgent: 'bench',
    setupTimeout: '10s',
  };
}
