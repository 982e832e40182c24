// The ids of the users, as db/seed/users.sql makes them: user i has md5('user-' || i), written as a UUID.
import crypto from 'k6/crypto';
import { SharedArray } from 'k6/data';

const LENGTH = 36;

function idOf(i) {
  const h = crypto.md5(`user-${i}`, 'hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}

// Returns a function from 0..users-1 to the id of user 1..users. The ids are computed once for all VUs and kept as one
// long text: taking a piece of it costs half a microsecond, an element of a SharedArray more than ten.
export function idTable(users) {
  const joined = new SharedArray('ids', () => {
    const ids = [];
    for (let i = 1; i <= users; i += 1) ids.push(idOf(i));
    return [ids.join('')];
  })[0];
  return (index) => joined.substring(index * LENGTH, (index + 1) * LENGTH);
}
