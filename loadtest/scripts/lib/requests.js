// The two requests of the mix, each with its check.
import http from 'k6/http';
import { PAGE_SIZE, REQUEST_TIMEOUT_S } from './plan.js';
import { pageProblem, userProblem } from './checks.js';
import { kindOf } from './record.js';
import { countBody, countFailure } from './tally.js';

// `name` also stands for the url in k6's metrics: without it each user would be a time series of its own.
const userParams = {
  tags: { endpoint: 'user', name: 'GET /users/{id}' },
  responseType: 'binary',
  redirects: 0,
  timeout: `${REQUEST_TIMEOUT_S}s`,
};
const pageParams = { ...userParams, tags: { endpoint: 'users', name: 'GET /users' } };

// Returns one function per endpoint, which sends one request: to the user, or for the page, with this index.
export function requests(plan, userId, expected, record) {
  const kinds = { warmup: {}, measure: {} };
  for (const phase of Object.keys(kinds)) {
    for (const endpoint of ['user', 'users']) kinds[phase][endpoint] = kindOf(phase, endpoint);
  }

  function settle(phase, endpoint, url, startMs, response, problem) {
    if (record !== null) record.add(startMs, kinds[phase][endpoint], response.status, response.timings);
    if (problem) countFailure(endpoint, url, problem);
    if (response.body) countBody(phase, endpoint, response.body.byteLength);
  }

  return {
    user(phase, index, startMs) {
      const id = userId(index);
      const url = `${plan.baseUrl}/users/${id}`;
      const response = http.get(url, userParams);
      const length = expected ? expected.user[index] : undefined;
      settle(phase, 'user', url, startMs, response, userProblem(response, id, length));
    },
    users(phase, index, startMs) {
      const offset = index * PAGE_SIZE;
      const url = `${plan.baseUrl}/users?limit=${PAGE_SIZE}&offset=${offset}`;
      const response = http.get(url, pageParams);
      const length = expected ? expected.users[index] : undefined;
      settle(phase, 'users', url, startMs, response, pageProblem(response, PAGE_SIZE, offset, plan.users, length));
    },
  };
}
