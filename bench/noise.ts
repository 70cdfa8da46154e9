/** Numbers between -1 and 1: a linear congruential generator is enough for timing, and the same everywhere. */
export function noise(seed: number): () => number {
  let s = seed;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 31 - 1;
  };
}

export function noises(seed: number, count: number): Float32Array<ArrayBuffer> {
  const next = noise(seed);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = next();
  return out;
}
