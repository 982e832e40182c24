// The load of the lab: a warm-up, then the measurement, against one service. See ../README.md.
import exec from 'k6/execution';
import { readPlan } from './lib/plan.js';
import { buildOptions } from './lib/options.js';
import { closedLoop } from './lib/closing.js';
import { expectedAnswers } from './lib/expected.js';
import { refuseWrongTarget } from './lib/target.js';
import { picker } from './lib/pick.js';
import { recorder } from './lib/record.js';
import { requests } from './lib/requests.js';
import { summarise } from './lib/summary.js';
import { pause, thinker } from './lib/think.js';

const plan = readPlan(__ENV);
const record = plan.record ? recorder(plan) : null;
const expected = expectedAnswers(plan.expectedFile, plan.users);
const next = picker(plan);
const think = thinker(plan);

export const options = buildOptions(plan);

export function setup() {
  if (record && !exec.test.options.consoleOutput) {
    throw new Error('BENCH_RECORD=1 hands the record over on the console: start k6 with --console-output=FILE --log-format=raw');
  }
  refuseWrongTarget(plan);
}

// Returns what sends the next request of a phase; it is given the time when there is a record.
function sender(phase) {
  const request = requests(plan, phase, expected, record);
  return (startMs) => {
    const choice = next(phase);
    request[choice.endpoint](choice.index, startMs);
  };
}

// One iteration is one request, so that arrival rates are request rates.
function iteration(send) {
  return () => {
    send(record === null ? 0 : Date.now());
    pause(think());
  };
}

export const warmup = iteration(sender('warmup'));

const closes = record !== null && !plan.arrival;
export const measure = closes ? closedLoop(plan, record, sender('measure'), think) : iteration(sender('measure'));

// With arrival rates no user knows its last iteration: a scenario after the measurement asks each.
export function handover() {
  record.handOver();
}

export function handleSummary(data) {
  return summarise(plan, data);
}
