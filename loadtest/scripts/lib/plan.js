// Reads what to do from the environment, and refuses what cannot be meant.

export const PAGE_SIZE = 50;
// Past DB_TIMEOUT_MS (2 s), after which a service must have answered 503.
export const REQUEST_TIMEOUT_S = 3;
// Rows of 24 bytes that all users together may keep: 192 MiB.
const RECORD_ROWS = 8388608;

// What `k6 run main.js` does without a runner: [profiles.quick] of lab.toml.
const QUICK = {
  executor: 'constant-vus',
  warmup_s: 1,
  measure_s: 4,
  vus: 16,
  think_time_ms: 0,
  mix: { user: 90, users: 10 },
};

const ARRIVAL = ['constant-arrival-rate', 'ramping-arrival-rate'];
const RAMPING = ['ramping-vus', 'ramping-arrival-rate'];
const EXECUTORS = ['constant-vus', 'ramping-vus', 'constant-arrival-rate', 'ramping-arrival-rate'];
const DEFAULT_STEPS = 8;

function refuse(name, problem) {
  throw new Error(`${name}: ${problem}`);
}

function wholeNumber(name, text, least) {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) refuse(name, `'${text}' is not a whole number of ${least} or more`);
  return value;
}

function onOrOff(name, text) {
  if (text !== '0' && text !== '1') refuse(name, `'${text}' is neither 1 (on) nor 0 (off)`);
  return text === '1';
}

function readProfile(text) {
  if (!text) return QUICK;
  let profile;
  try {
    profile = JSON.parse(text);
  } catch (error) {
    refuse('BENCH_PROFILE', `not JSON (${error.message}); it is one [profiles.NAME] table of lab.toml`);
  }
  if (profile === null || typeof profile !== 'object') refuse('BENCH_PROFILE', 'not a JSON object');
  return profile;
}

function seconds(profile, key, least) {
  const value = profile[key];
  if (typeof value !== 'number' || !(value >= least)) refuse('BENCH_PROFILE', `${key} must be a number of seconds, ${least} or more`);
  return value;
}

function readMix(mix) {
  const weights = { user: 0, users: 0 };
  for (const name of Object.keys(mix || {})) {
    if (!(name in weights)) refuse('BENCH_PROFILE', `mix has '${name}'; this script knows user and users`);
    weights[name] = wholeNumber(`BENCH_PROFILE: mix.${name}`, mix[name], 0);
  }
  if (weights.user + weights.users === 0) refuse('BENCH_PROFILE', 'mix has no weight above 0');
  return weights;
}

// Durations are in seconds, `rate` in requests a second, `thinkTimeMs` in milliseconds.
export function readPlan(env) {
  const profile = readProfile(env.BENCH_PROFILE);
  const executor = profile.executor;
  if (!EXECUTORS.includes(executor)) refuse('BENCH_PROFILE', `executor '${executor}' is not one of ${EXECUTORS.join(', ')}`);
  const arrival = ARRIVAL.includes(executor);
  const thinkTimeMs = profile.think_time_ms || 0;
  const vus = wholeNumber('BENCH_PROFILE: vus', profile.vus, 1);
  if (arrival && thinkTimeMs > 0) refuse('BENCH_PROFILE', 'think_time_ms has no meaning with an arrival rate; set it to 0');
  return {
    baseUrl: (env.BENCH_BASE_URL || 'http://127.0.0.1:8080').replace(/\/+$/, ''),
    users: wholeNumber('BENCH_USERS', env.BENCH_USERS || '10000', 1),
    seed: wholeNumber('BENCH_SEED', env.BENCH_SEED || '1', 0),
    expectedFile: env.BENCH_EXPECTED || '',
    summaryFile: env.BENCH_SUMMARY || '',
    record: onOrOff('BENCH_RECORD', env.BENCH_RECORD || '0'),
    live: onOrOff('BENCH_LIVE', env.BENCH_LIVE || '0'),
    recordRows: wholeNumber('BENCH_RECORD_ROWS', env.BENCH_RECORD_ROWS || `${RECORD_ROWS}`, vus),
    executor,
    arrival,
    // k6 takes no scenario shorter than a second, but for ramps.
    warmupS: seconds(profile, 'warmup_s', arrival ? 1 : 0.1),
    measureS: seconds(profile, 'measure_s', 1),
    vus,
    rate: arrival ? wholeNumber('BENCH_PROFILE: rate', profile.rate, 1) : 0,
    steps: RAMPING.includes(executor) ? wholeNumber('BENCH_PROFILE: steps', profile.steps || DEFAULT_STEPS, 1) : 1,
    thinkTimeMs,
    mix: readMix(profile.mix),
  };
}

// The level (VUs, or requests a second) of each step of a ramping profile; one step for a constant one.
export function levels(plan) {
  const top = plan.arrival ? plan.rate : plan.vus;
  const result = [];
  for (let step = 1; step <= plan.steps; step += 1) result.push(Math.max(1, Math.round((top * step) / plan.steps)));
  return result;
}
