// Seeded draws: the same for every target in the same block.

// A good 32-bit mixer (lowbias32, Chris Wellons).
export function mix32(value) {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

// A stream of draws for one user and one purpose (`salt`).
export function streamOf(plan, vu, salt) {
  const seed = mix32(plan.seed) ^ mix32(plan.seed / 2 ** 32 + 1); // both halves of a large seed
  return mix32(seed ^ mix32(vu) ^ salt);
}

// The n-th draw of a stream, a whole number below 2 ** 32; n counts from 0.
export const draw = (stream, n) => mix32(stream + Math.imul(n, 0x9e3779b9));
