// Runs once before the load: is this a ready service of the lab, with the data this script expects?
import http from 'k6/http';
import { userId } from './ids.js';

function refuse(url, problem) {
  throw new Error(`${url} ${problem}. Is BENCH_BASE_URL the address of a service of the lab, with its database seeded?`);
}

function get(url) {
  const response = http.get(url, { responseType: 'text', redirects: 0, timeout: '5s' });
  if (response.status === 0) refuse(url, `does not answer (${response.error})`);
  return response;
}

export function refuseWrongTarget(plan) {
  const readyUrl = `${plan.baseUrl}/readyz`;
  const ready = get(readyUrl);
  if (ready.status !== 200 || ready.body !== '{"status":"ready"}') {
    refuse(readyUrl, `answers ${ready.status} ${String(ready.body).slice(0, 100)}, not 200 {"status":"ready"}`);
  }
  // The last user: a table that is too small is found out as well.
  const id = userId(plan.users - 1);
  const userUrl = `${plan.baseUrl}/users/${id}`;
  const start = `{"id":"${id}","email":"user${plan.users}@example.com",`;
  const user = get(userUrl);
  if (user.status !== 200 || !String(user.body).startsWith(start)) {
    refuse(userUrl, `(user ${plan.users}) answers ${user.status} ${String(user.body).slice(0, 100)}, not 200 ${start}…`);
  }
}
