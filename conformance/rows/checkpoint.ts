/**
 * One file that touches every corner of the format (every dtype, empty tensors, names beyond ASCII, integers at every change of
 * encoding, nested state): written, read, and taken through the device, against the bytes that another runtime left.
 */

import { encodeCheckpoint, openCheckpoint } from '../../sdk/checkpoint/index.ts';
import { sampleContent } from '../../sdk/checkpoint/sample.ts';
import type { CheckpointContent } from '../../sdk/checkpoint/writer.ts';
import { ARRAY } from '../../sdk/core/dtype.ts';
import type { HostArray } from '../../sdk/core/host.ts';
import type { Runtime } from '../../sdk/core/runtime.ts';
import { canonicalOf } from '../../sdk/core/scalar/index.ts';
import golden from '../fixtures/checkpoint.json' with { type: 'json' };
import { bytesOf, compare } from './iris.ts';
import type { SuiteCase } from './suite.ts';

const goldenBytes = () => Uint8Array.from(atob(golden.file), (c) => c.charCodeAt(0));

const bytes = async (c: CheckpointContent) => (await encodeCheckpoint(c)).bytes();
const differs = (what: string, got: Uint8Array, want: Uint8Array) => compare(what, bytesOf(got), bytesOf(want));

/** What a device gives back of what it was given: elements are canonical there (N0). */
export function canonicalContent(c: CheckpointContent): CheckpointContent {
  const tensors = [...(c.tensors as ReadonlyMap<string, HostArray>)].map(([name, { data, shape, dtype }]) => {
    const kept = Array.from(data, (v: number) => canonicalOf(v, dtype));
    return [name, { data: ARRAY[dtype].from(kept), shape, dtype }] as const;
  });
  return { ...c, tensors: new Map(tensors) };
}

/** The same content, its tensors on the device until the file is written. */
function uploaded(rt: Runtime, c: CheckpointContent): CheckpointContent {
  const tensors = [...(c.tensors as ReadonlyMap<string, HostArray>)].map(([name, { data, shape, dtype }]) => {
    const t = rt.tensor(data, shape, dtype, { nonfinite: 'keep' });
    return [name, { dtype, shape, read: () => t.data({ nonfinite: 'keep' }) }] as const;
  });
  return { ...c, tensors: new Map(tensors) };
}

export function checkpointCases(rt: Runtime): SuiteCase[] {
  return [
    {
      name: 'checkpoint: bytes of every dtype',
      run: async () => differs('bytes', await bytes(sampleContent()), goldenBytes()),
    },
    {
      name: 'checkpoint: read and written again',
      run: async () => {
        const file = await openCheckpoint(goldenBytes());
        const { kind, schema, state } = file;
        return [
          ...compare('root', [file.root], [golden.root]),
          ...compare('fingerprint', [file.fingerprint], [golden.fingerprint]),
          ...differs('bytes', await bytes({ kind, schema, state, tensors: await file.readAll() }), goldenBytes()),
        ];
      },
    },
    {
      name: 'checkpoint: every dtype through the device',
      run: async () => {
        const host = await bytes(canonicalContent(sampleContent()));
        const made = await encodeCheckpoint(uploaded(rt, sampleContent()));
        return [...compare('root', [made.root], [golden.canonical]), ...differs('bytes', await made.bytes(), host)];
      },
    },
  ];
}
