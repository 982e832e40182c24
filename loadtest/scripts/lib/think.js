// The pauses between a user's requests. Each is drawn evenly between 0 and twice the mean: with a fixed pause, users that
// one stall woke together stay in step and go on to send in bursts, which the tail of the latency then shows.
import { sleep } from 'k6';
import { draw, streamOf } from './draw.js';

const SALT = 0x27d4eb2f;

// The longest pause in milliseconds.
export const longestThinkMs = (plan) => 2 * plan.thinkTimeMs;

// Returns a function that draws the next pause of this user in seconds.
export function thinker(plan) {
  if (plan.thinkTimeMs === 0) return () => 0;
  const scaleS = longestThinkMs(plan) / 1000 / 2 ** 32;
  let stream = null; // a VU does not know its number before its first iteration
  let n = 0;
  return () => {
    if (stream === null) stream = streamOf(plan, __VU, SALT);
    n += 1;
    return draw(stream, n) * scaleS;
  };
}

// No pause is no call: k6's sleep always goes by a timer.
export function pause(seconds) {
  if (seconds > 0) sleep(seconds);
}
