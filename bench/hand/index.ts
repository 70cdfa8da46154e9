/** A hand-written loop in place of a library: assembly/chain.ts, and an exported function that does nothing. */

import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { noises } from '../noise.ts';
import { type Chain, type Contender, type Open, STEPS_OF_EMPTY } from '../work.ts';

/** Compiles the loop; `root` is the folder of the project. */
export function compileTo(file: string, root: URL): void {
  const asc = fileURLToPath(new URL('node_modules/assemblyscript/bin/asc.js', root));
  const source = fileURLToPath(new URL('bench/hand/assembly/chain.ts', root));
  const flags = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '-o', file];
  execFileSync(process.execPath, [asc, source, ...flags], { cwd: fileURLToPath(root) });
}

interface Exports {
  readonly memory: WebAssembly.Memory;
  chain(x: number, y: number, n: number, list: number): number;
  nothing(): void;
}

const PAGE = 65536;

export async function handOf(wasm: Uint8Array): Promise<Exports> {
  const { instance } = await WebAssembly.instantiate(wasm as Uint8Array<ArrayBuffer>, {
    env: {
      abort: () => {
        throw new Error('bench: the hand-written loop aborted');
      },
    },
  });
  return instance.exports as unknown as Exports;
}

export function chainOn(hand: Exports, { n }: Chain): Contender {
  const at = hand.memory.grow(Math.ceil((n * 8 + (n / 2048) * 4) / PAGE)) * PAGE;
  const [x, y] = [at, at + n * 4];
  new Float32Array(hand.memory.buffer, x, n).set(noises(5, n));
  new Float32Array(hand.memory.buffer, y, n).set(noises(6, n));
  let sum = Number.NaN;
  return {
    step() {
      sum = hand.chain(x, y, n, y + n * 4);
    },
    probe: () => [sum],
  };
}

export const open: Open = async (work) => {
  const hand = await handOf(await readFile(new URL('chain.wasm', import.meta.url)));
  if (work.kind === 'chain') return chainOn(hand, work);
  if (work.kind !== 'empty') throw new Error('bench: nobody has written this by hand');
  return {
    step() {
      for (let i = 0; i < STEPS_OF_EMPTY; i++) hand.nothing();
    },
    probe: () => [0],
  };
};
