/**
 * Every f32 through each one-argument function: the kernels (WASM) against the host, to the bit.
 *
 *     node --import tsx conformance/exhaustive.ts [--function exp,log] [--from 0] [--to 2^32]
 *
 * Pattern u stands for the canonical C(u) (N0). A shard is 2^24 patterns; its digest is SHA-256 over the results in
 * ascending u as little-endian words, NaN as 7fc00000. A function's digest is SHA-256 over the digests of its 256 shards,
 * so that shards can be computed anywhere. `--from` and `--to` are rounded to shards. Exits with 1 at a mismatch.
 */

import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import * as s from '../sdk/core/scalar/index.ts';
import { type FunctionsModule, functionsModule } from './functionsModule.ts';

const FUNCTIONS: Readonly<Record<string, (x: number) => number>> = {
  exp: s.exp,
  expWhole: s.exp,
  log: s.log,
  logWhole: s.log,
  sqrt: s.sqrt,
  rsqrt: s.rsqrt,
  tanh: s.tanh,
  sigmoid: s.sigmoid,
  softplus: s.softplus,
  sin: s.sin,
  cos: s.cos,
  erf: s.erf,
  neg: s.neg,
  abs: s.abs,
  sign: s.sign,
  floor: s.floor,
  ceil: s.ceil,
  trunc: s.trunc,
  round: s.round,
};

const SHARD = 2 ** 24;
const PART = 2 ** 20;

interface Shard {
  readonly digest: Buffer;
  readonly mismatches: number;
}

function shard(module: FunctionsModule, name: string, host: (x: number) => number, from: number): Shard {
  const { loops, buffers, at } = module;
  const [results, operands] = buffers;
  const values = new Float32Array(operands.buffer, operands.byteOffset, PART);
  const expected = new Float32Array(PART);
  const expectedBits = new Uint32Array(expected.buffer);
  const hash = createHash('sha256');
  let mismatches = 0;
  for (let start = from; start < from + SHARD; start += PART) {
    for (let i = 0; i < PART; i++) {
      const u = start + i;
      // C on patterns: all of a part shares its upper bits, but NaN and the least exponents are cut through it.
      operands[i] = (u & 0x7f000000) === 0 ? 0 : (u & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : u;
    }
    loops[name](at[0], at[1], PART * 4);
    loops.canonical(at[0], PART * 4);
    for (let i = 0; i < PART; i++) expected[i] = host(values[i]);
    for (let i = 0; i < PART; i++) {
      if (results[i] === expectedBits[i] || results[i] === s.bitsOf(expected[i])) continue;
      if (mismatches++ < 5) {
        const hex = (u: number) => u.toString(16).padStart(8, '0');
        console.error(`${name}(${hex(operands[i])}): WASM ${hex(results[i])}, host ${hex(s.bitsOf(expected[i]))}`);
      }
    }
    hash.update(results);
  }
  return { digest: hash.digest(), mismatches };
}

/** '4096', '0x1000' or '2^12'. */
function patternOf(text: string): number {
  const [base, power] = text.split('^');
  return power === undefined ? Number(base) : Number(base) ** Number(power);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      function: { type: 'string', default: Object.keys(FUNCTIONS).join(',') },
      from: { type: 'string', default: '0' },
      to: { type: 'string', default: '2^32' },
    },
  });
  const from = Math.floor(patternOf(values.from) / SHARD) * SHARD;
  const to = Math.min(2 ** 32, Math.ceil(patternOf(values.to) / SHARD) * SHARD);
  const names = values.function.split(',');
  const unknown = names.filter((n) => !Object.hasOwn(FUNCTIONS, n));
  if (unknown.length > 0 || !(from < to)) {
    console.error(`--function takes ${Object.keys(FUNCTIONS).join(', ')}; --from must be below --to`);
    process.exitCode = 2;
    return;
  }
  const module = await functionsModule(PART, 2);
  for (const name of names) {
    const host = FUNCTIONS[name];
    const whole = createHash('sha256');
    let mismatches = 0;
    const began = performance.now();
    for (let at = from; at < to; at += SHARD) {
      const done = shard(module, name, host, at);
      whole.update(done.digest);
      mismatches += done.mismatches;
      if (process.stderr.isTTY)
        process.stderr.write(`\r${name} ${Math.floor((100 * (at + SHARD - from)) / (to - from))} %`);
    }
    const seconds = Math.round((performance.now() - began) / 1000);
    const range = from === 0 && to === 2 ** 32 ? 'all' : `${from}..${to - 1}`;
    if (process.stderr.isTTY) process.stderr.write('\r');
    console.log(`${name} ${range} ${whole.digest('hex')} mismatches ${mismatches} (${seconds} s)`);
    if (mismatches > 0) process.exitCode = 1;
  }
}

await main();
