/**
 * Every operand through each one-argument function and cast: the kernels (WASM) against the host, to the bit.
 *
 *     node --import tsx conformance/exhaustive.ts [--function exp,log] [--from 0] [--to 2^32]
 *
 * Pattern u stands for the canonical C(u) (N0), or for the integer itself where the function takes one. A shard is 2^24
 * patterns; its digest is SHA-256 over the results in ascending u as little-endian words, NaN as 7fc00000. A function's
 * digest is SHA-256 over the digests of its 256 shards, so that shards can be computed anywhere. `--from` and `--to` are rounded to shards. Exits with 1 at a mismatch.
 */

import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type FunctionsModule, functionsModule } from './functionsModule.ts';
import { asF32, ONE, type OneOperand, toBits } from './oneOperand.ts';

const SHARD = 2 ** 24;
const PART = 2 ** 20;

interface Shard {
  readonly digest: Buffer;
  readonly mismatches: number;
}

function shard(module: FunctionsModule, name: string, { host, read, write }: OneOperand, from: number): Shard {
  const { loops, buffers, at } = module;
  const [results, operands] = buffers;
  const [floats, integer] = [read === asF32, write !== toBits];
  const values = new Float32Array(operands.buffer, operands.byteOffset, PART);
  // NaN is canonical on its way into an array of f32; -0 is none of the host's results.
  const expected = integer ? new Uint32Array(PART) : new Float32Array(PART);
  const expectedBits = new Uint32Array(expected.buffer);
  const hash = createHash('sha256');
  let mismatches = 0;
  for (let start = from; start < from + SHARD; start += PART) {
    for (let i = 0; i < PART; i++) {
      const u = start + i;
      // C on patterns: all of a part shares its upper bits, but NaN and the least exponents are cut through it.
      operands[i] = !floats ? u : (u & 0x7f000000) === 0 ? 0 : (u & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : u;
    }
    loops[name](at[0], at[1], PART * 4);
    if (!integer) loops.canonical(at[0], PART * 4);
    if (floats) for (let i = 0; i < PART; i++) expected[i] = host(values[i]);
    else for (let i = 0; i < PART; i++) expected[i] = host(read(operands[i]));
    for (let i = 0; i < PART; i++) {
      if (results[i] === expectedBits[i] || results[i] === write(expected[i])) continue;
      if (mismatches++ < 5) {
        const hex = (u: number) => u.toString(16).padStart(8, '0');
        console.error(`${name}(${hex(operands[i])}): WASM ${hex(results[i])}, host ${hex(write(expected[i]))}`);
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
      function: { type: 'string', default: Object.keys(ONE).join(',') },
      from: { type: 'string', default: '0' },
      to: { type: 'string', default: '2^32' },
    },
  });
  const from = Math.floor(patternOf(values.from) / SHARD) * SHARD;
  const to = Math.min(2 ** 32, Math.ceil(patternOf(values.to) / SHARD) * SHARD);
  const names = values.function.split(',');
  const unknown = names.filter((n) => !Object.hasOwn(ONE, n));
  if (unknown.length > 0 || !(from < to)) {
    console.error(`--function takes ${Object.keys(ONE).join(', ')}; --from must be below --to`);
    process.exitCode = 2;
    return;
  }
  const module = await functionsModule(PART, 2);
  for (const name of names) {
    const whole = createHash('sha256');
    let mismatches = 0;
    const began = performance.now();
    for (let at = from; at < to; at += SHARD) {
      const done = shard(module, name, ONE[name], at);
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
