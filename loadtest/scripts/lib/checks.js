// Is this the right answer? Runs for every request, on the core that k6 needs for the load, so: no JSON.parse, no
// k6 check() (a sample per check), bodies stay bytes (turning a page into a JavaScript string costs 40 microseconds).

const encode = (bytes) => String.fromCharCode.apply(null, bytes);

function startsWith(body, text) {
  return body.byteLength >= text.length && encode(new Uint8Array(body, 0, text.length)) === text;
}

function endsWith(body, text) {
  const from = body.byteLength - text.length;
  return from >= 0 && encode(new Uint8Array(body, from, text.length)) === text;
}

function commonProblem(response, length) {
  if (response.status !== 200) return `status ${response.status}, not 200 ${response.error}`;
  const type = response.headers['Content-Type'];
  if (type !== 'application/json') return `Content-Type '${type}', not 'application/json'`;
  if (!response.body) return 'no body';
  if (length !== undefined && response.body.byteLength !== length) {
    return `body of ${response.body.byteLength} bytes, not ${length}`;
  }
  return '';
}

// Each returns '' or what is wrong. `length` is the exact length of the body in bytes, or undefined when not known.

// The first 12 hex digits of the id are compared: enough to tell users apart, a third of the cost of all 32.
export function userProblem(response, id, length) {
  const problem = commonProblem(response, length);
  if (problem) return problem;
  const start = `{"id":"${id.substring(0, 13)}`;
  return startsWith(response.body, start) ? '' : `body does not begin with ${start}`;
}

export function pageProblem(response, limit, offset, total, length) {
  const problem = commonProblem(response, length);
  if (problem) return problem;
  if (!startsWith(response.body, '{"items":[{"id":"')) return 'body does not begin with {"items":[{"id":"';
  const end = `}],"limit":${limit},"offset":${offset},"total":${total}}`;
  return endsWith(response.body, end) ? '' : `body does not end with ${end}`;
}
