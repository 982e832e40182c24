// The exact length of every answer and the beginning of its SHA-256, when the runner gives them (BENCH_EXPECTED).
import crypto from 'k6/crypto';
import { PAGE_SIZE } from './plan.js';

function load(path, users) {
  const file = JSON.parse(open(path));
  const pages = Math.ceil(users / PAGE_SIZE);
  if (!Array.isArray(file.user) || file.user.length !== users) {
    throw new Error(`BENCH_EXPECTED: ${path}: 'user' must have one length for each of the ${users} users (BENCH_USERS)`);
  }
  if (!Array.isArray(file.users) || file.users.length !== pages) {
    throw new Error(`BENCH_EXPECTED: ${path}: 'users' must have one length for each of the ${pages} pages of ${PAGE_SIZE}`);
  }
  const digests = file.sha256 || null;
  if (digests && (digests.user.length !== users * DIGITS || digests.users.length !== pages * DIGITS)) {
    throw new Error(`BENCH_EXPECTED: ${path}: 'sha256' must have ${DIGITS} digits for each user and each page, in one text`);
  }
  return file;
}

// Hashing a page costs as much as sending it, so every n-th answer of a user of the load is compared in full: no
// service can know which.
const COMPARE_EVERY = 32;
const DIGITS = 16;

// Returns a function that says whether a body, which has the right length, is the right one. Always yes without digests.
function comparer(digests) {
  if (!digests) return () => true;
  let count = 0;
  return (endpoint, index, body) => {
    count += 1;
    if (count % COMPARE_EVERY !== 1) return true;
    const wanted = digests[endpoint].substring(index * DIGITS, (index + 1) * DIGITS);
    return crypto.sha256(body, 'hex').substring(0, DIGITS) === wanted;
  };
}

// Lengths in bytes by index, and `same`; null without a file. Each VU reads the file: k6 takes longer to open a
// SharedArray of this size.
export function expectedAnswers(path, users) {
  if (!path) return null;
  const file = load(path, users);
  return { user: new Uint32Array(file.user), users: new Uint32Array(file.users), same: comparer(file.sha256) };
}
