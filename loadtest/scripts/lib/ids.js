// The ids of the users, as db/seed/users.sql makes them: user i has md5('user-' || i), written as a UUID.
import crypto from 'k6/crypto';

// The id of the user with this index: index 0 is user 1. Computed for each request: 4 microseconds. A SharedArray of
// one long text gives it in 1, but k6 takes 0.1 s for each VU to open such an array.
export function userId(index) {
  const h = crypto.md5(`user-${index + 1}`, 'hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}
