// The exact length of every answer, when the runner gives it (BENCH_EXPECTED).
import { SharedArray } from 'k6/data';
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
  return [file];
}

// Lengths in bytes, by index; null without a file.
export function expectedLengths(path, users) {
  if (!path) return null;
  const file = new SharedArray('expected', () => load(path, users))[0];
  return { user: Uint32Array.from(file.user), users: Uint32Array.from(file.users) };
}
