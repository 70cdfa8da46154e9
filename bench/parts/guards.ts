/** What the guards of N2 cost each kernel on software adapters: `numerics: 'exact'` beside `'fast'`. */

import { vulkan } from '../../conformance/rows/launch/find.ts';
import { denoProgram } from '../../conformance/rows/launch/processes.ts';
import { OURS, WEBGPU } from '../libraries.ts';
import type { Part } from '../part.ts';
import { inNode, ProcessRacer, type Racer, race, turnOf } from '../race.ts';
import { raceRow } from '../rows.ts';
import { KERNEL_NAMES, type Place } from '../work.ts';

const FAST = 'without guards';
const LIBRARY = { ...OURS, open: 'open' };

/** By adapter: a process of isobit on it. Deno comes with another implementation of WebGPU. */
const ADAPTERS: Readonly<Record<string, (built: string) => Racer>> = {
  'SwiftShader, Dawn in Node': (built) => inNode(LIBRARY, built),
  'lavapipe, wgpu in Deno': (built) => {
    const args = ['run', '-A', '--unstable-webgpu', '--node-modules-dir=manual', '--no-lock', '--no-check'];
    const env = { ...vulkan('lavapipe'), DENO_NO_UPDATE_CHECK: '1' };
    return new ProcessRacer(OURS.name, denoProgram(), [...args, ...turnOf(LIBRARY, built)], env);
  },
};
/** In a hurry, one kernel of each kind. */
const QUICK: readonly string[] = ['matmul 256', '6 ops', 'softmax'];

export const guards: Part = {
  name: 'guards',
  title:
    "Cost of the guards by kernel: microseconds of 8 calls and a read, CPU time, isobit beside itself with numerics: 'fast'",
  leavesOut: `all but ${QUICK.join(', ')}`,
  async *rows({ built, pace, quick, say }) {
    for (const [adapter, start] of Object.entries(ADAPTERS)) {
      say(`guards on ${adapter} …`);
      const racers = [start(built), start(built)];
      const places: readonly Place[] = [WEBGPU, { ...WEBGPU, numerics: 'fast' }];
      try {
        for (const name of KERNEL_NAMES) {
          if (quick && !QUICK.includes(name)) continue;
          const outcomes = await race(racers, { kind: 'kernel', name }, places, { ...pace, checked: 1 });
          const o = { part: 'guards', name: `${name} on ${adapter}`, ours: OURS.name, target: null };
          yield raceRow(o, [OURS.name, FAST], outcomes);
        }
      } finally {
        for (const r of racers) r.stop();
      }
    }
  },
};
