// The load of the lab: a warm-up, then the measurement, against one service. See ../README.md.
import { sleep } from 'k6';
import { readPlan } from './lib/plan.js';
import { buildOptions } from './lib/options.js';
import { idTable } from './lib/ids.js';
import { expectedLengths } from './lib/expected.js';
import { refuseWrongTarget } from './lib/target.js';
import { picker } from './lib/pick.js';
import { requests } from './lib/requests.js';
import { summarise } from './lib/summary.js';

const plan = readPlan(__ENV);
const userId = idTable(plan.users);
const request = requests(plan, userId, expectedLengths(plan.expectedFile, plan.users));
const next = picker(plan);
const thinkTimeS = plan.thinkTimeMs / 1000;

export const options = buildOptions(plan);

export function setup() {
  refuseWrongTarget(plan, userId);
}

// One iteration is one request, so that arrival rates are request rates.
function iterate(phase) {
  const choice = next(phase);
  request[choice.endpoint](phase, choice.index);
  if (thinkTimeS > 0) sleep(thinkTimeS);
}

export function warmup() {
  iterate('warmup');
}

export function measure() {
  iterate('measure');
}

export function handleSummary(data) {
  return summarise(plan, data);
}
