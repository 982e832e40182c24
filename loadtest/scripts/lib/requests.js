// The two requests of the mix, each with its check.
import http from 'k6/http';
import { PAGE_SIZE, REQUEST_TIMEOUT_S } from './plan.js';
import { userId } from './ids.js';
import { pageProblem, userProblem } from './checks.js';
import { countBody, countFailure } from './tally.js';
import { teller } from './live.js';

// `name` also stands for the url in k6's metrics: without it each user would be a time series of its own.
const userParams = {
  tags: { endpoint: 'user', name: 'GET /users/{id}' },
  responseType: 'binary',
  redirects: 0,
  timeout: `${REQUEST_TIMEOUT_S}s`,
};
const pageParams = { ...userParams, tags: { endpoint: 'users', name: 'GET /users' } };

const DIFFERENT = 'a body of the right length that is not what the database holds';

// Returns one function per endpoint, which sends one request of this phase: to the user, or for the page, with this
// index. `record` may be null.
export function requests(plan, phase, expected, record) {
  // An answer without a problem has status 200.
  const keepGood = { user: null, users: null };
  if (record !== null) {
    const live = plan.live && phase === 'measure' ? teller() : (keep) => keep;
    for (const endpoint of Object.keys(keepGood)) keepGood[endpoint] = live(record.keeper(phase, endpoint, 200));
  }

  function failed(endpoint, url, startMs, response, problem) {
    countFailure(endpoint, url, problem);
    if (response.body) countBody(phase, endpoint, response.body.byteLength);
    if (record !== null) record.keeper(phase, endpoint, response.status)(startMs, response.timings);
  }

  // '' where the quick checks found nothing and the whole body, which is compared now and then, is right.
  function problemOf(endpoint, index, response, problem) {
    if (problem || !expected || expected.same(endpoint, index, response.body)) return problem;
    return DIFFERENT;
  }

  function good(endpoint, keep, startMs, response) {
    if (keep !== null) keep(startMs, response.timings);
    countBody(phase, endpoint, response.body.byteLength);
  }

  const { user: keepUser, users: keepPage } = keepGood;
  return {
    user(index, startMs) {
      const id = userId(index);
      const url = `${plan.baseUrl}/users/${id}`;
      const response = http.get(url, userParams);
      const length = expected ? expected.user[index] : undefined;
      const problem = problemOf('user', index, response, userProblem(response, id, length));
      if (problem) failed('user', url, startMs, response, problem);
      else good('user', keepUser, startMs, response);
    },
    users(index, startMs) {
      const offset = index * PAGE_SIZE;
      const url = `${plan.baseUrl}/users?limit=${PAGE_SIZE}&offset=${offset}`;
      const response = http.get(url, pageParams);
      const length = expected ? expected.users[index] : undefined;
      const found = pageProblem(response, PAGE_SIZE, offset, plan.users, length);
      const problem = problemOf('users', index, response, found);
      if (problem) failed('users', url, startMs, response, problem);
      else good('users', keepPage, startMs, response);
    },
  };
}
