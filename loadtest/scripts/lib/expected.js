// The exact length of every answer, when the runner gives it (BENCH_EXPECTED).
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
  return file;
}

// Lengths in bytes, by index; null without a file. Each VU reads the file: k6 takes longer to open a SharedArray of this size.
export function expectedLengths(path, users) {
  if (!path) return null;
  const file = load(path, users);
  return { user: new Uint32Array(file.user), users: new Uint32Array(file.users) };
}
