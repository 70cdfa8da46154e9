/** What the tests of formats share: an archive that touches every corner, and Python beside us. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ARRAY, type DType } from '../core/dtype.ts';
import { isIsobitError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import type { Archive } from './archive.ts';

const PYTHON = join(import.meta.dirname, '../../.venv/bin/python');

/** Runs a Python program with arguments; answers its standard output. */
export const python = (program: string, ...args: string[]): string =>
  execFileSync(PYTHON, ['-c', program, ...args], { encoding: 'utf8' });

export function array<D extends DType>(dtype: D, shape: readonly number[], values: readonly number[]): HostArray<D> {
  return { data: ARRAY[dtype].from(values), shape, dtype } as HostArray<D>;
}

/** Every dtype, an empty tensor, a scalar, names beyond ASCII. */
export const CORNERS: Archive = {
  tensors: new Map<string, HostArray>([
    ['fc1.weight', array('f32', [2, 3], [1, -2.5, 3.25e-20, 1e30, 0, -7])],
    ['half', array('f16', [3], [0x3c00, 0xc100, 0x0001])],
    ['brain', array('bf16', [2], [0x3f80, 0xc020])],
    ['counts', array('i32', [2, 2], [-(2 ** 31), 2 ** 31 - 1, 0, 5])],
    ['unsigned', array('u32', [2], [0, 2 ** 32 - 1])],
    ['small', array('i8', [3], [-128, 0, 127])],
    ['bytes', array('u8', [3], [0, 7, 255])],
    ['mask', array('bool', [2], [1, 0])],
    ['empty', array('f32', [0, 4], [])],
    ['scalar', array('f32', [], [0.1])],
    ['größe.\u{1F600}', array('f32', [1], [2])],
    ['z\uFFFD', array('f32', [1], [3])],
  ]),
  metadata: { author: 'A. Nobody', epochs: '12' },
};

/** The same tensors, by name, type, shape and bits. */
export function sameTensors(got: ReadonlyMap<string, HostArray>, want: ReadonlyMap<string, HostArray>): void {
  assert.deepEqual([...got.keys()].sort(), [...want.keys()].sort());
  for (const [name, t] of want) assert.deepEqual(got.get(name), t, name);
}

/** Every truncation, and every byte changed in some ways: read as something, or refused with a typed error; never anything else. */
export function holds(bytes: Uint8Array, read: (b: Uint8Array) => unknown): { refused: number; tried: number } {
  let refused = 0;
  let tried = 0;
  const attempt = (b: Uint8Array): void => {
    tried++;
    try {
      read(b);
    } catch (e) {
      assert.ok(isIsobitError(e), `${String(e)}\n${(e as Error).stack}`);
      refused++;
    }
  };
  for (let n = 0; n < bytes.length; n++) attempt(bytes.slice(0, n));
  for (let i = 0; i < bytes.length; i++) {
    for (const x of [0x01, 0x20, 0x80, 0xff]) {
      const b = bytes.slice();
      b[i] ^= x;
      attempt(b);
    }
  }
  return { refused, tried };
}
