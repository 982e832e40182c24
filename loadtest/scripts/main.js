// The load of the lab: a warm-up, then the measurement, against one service. See ../README.md.
import exec from 'k6/execution';
import { sleep } from 'k6';
import { readPlan } from './lib/plan.js';
import { buildOptions } from './lib/options.js';
import { closedLoop } from './lib/closing.js';
import { idTable } from './lib/ids.js';
import { expectedLengths } from './lib/expected.js';
import { refuseWrongTarget } from './lib/target.js';
import { picker } from './lib/pick.js';
import { recorder } from './lib/record.js';
import { requests } from './lib/requests.js';
import { summarise } from './lib/summary.js';

const plan = readPlan(__ENV);
const userId = idTable(plan.users);
const record = plan.record ? recorder(plan) : null;
const request = requests(plan, userId, expectedLengths(plan.expectedFile, plan.users), record);
const next = picker(plan);
const thinkTimeS = plan.thinkTimeMs / 1000;

export const options = buildOptions(plan);

export function setup() {
  if (record && !exec.test.options.consoleOutput) {
    throw new Error('BENCH_RECORD=1 hands the record over on the console: start k6 with --console-output=FILE --log-format=raw');
  }
  refuseWrongTarget(plan, userId);
}

function send(phase, startMs) {
  const choice = next(phase);
  request[choice.endpoint](phase, choice.index, startMs);
}

// One iteration is one request, so that arrival rates are request rates.
function iterate(phase) {
  send(phase, record ? Date.now() : 0);
  if (thinkTimeS > 0) sleep(thinkTimeS);
}

export function warmup() {
  iterate('warmup');
}

const closes = record && !plan.arrival;
export const measure = closes ? closedLoop(plan, record, (startMs) => send('measure', startMs)) : () => iterate('measure');

// With arrival rates no user knows its last iteration: a scenario after the measurement asks each.
export function handover() {
  record.handOver();
}

export function handleSummary(data) {
  return summarise(plan, data);
}
