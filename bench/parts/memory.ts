/** Memory over 10,000 training steps of 4-16-3: the last third of the samples beside the first. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Sample } from '../isobit/flat.ts';
import { OURS } from '../libraries.ts';
import type { Part } from '../part.ts';
import { rowOf } from '../rows.ts';

const STEPS = 10_000;
const FIRST = 'first third';
/** V8's own code and types come and go by a few percent. */
const TARGETS = { heap: 1.05, device: 1 } as const;

const least = (samples: readonly Sample[], what: keyof typeof TARGETS): number =>
  Math.min(...samples.map((s) => s[what])) / 1024;

export const memory: Part = {
  name: 'memory',
  title: `Memory over ${STEPS} training steps of 4-16-3: the least of the last third of the samples beside the first third`,
  leavesOut: 'WebGPU',
  async *rows({ built, quick, say }) {
    for (const device of quick ? ['wasm'] : ['wasm', 'webgpu']) {
      say(`memory on ${device} …`);
      const args = ['--expose-gc', join(built, 'isobit/flat-run.js'), device, `${STEPS}`];
      const r = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
      if (r.status !== 0) throw new Error(`bench: the memory of ${device} could not be read`);
      const samples = JSON.parse(r.stdout.trim().split('\n').at(-1) ?? '') as Sample[];
      const third = Math.floor(samples.length / 3);
      for (const what of ['heap', 'device'] as const) {
        const name = `${what === 'heap' ? "JavaScript's heap" : "the device's memory"} on ${device}`;
        yield rowOf(
          { part: 'memory', name, ours: OURS.name, target: TARGETS[what], unit: 'KB' },
          { [OURS.name]: least(samples.slice(-third), what), [FIRST]: least(samples.slice(0, third), what) },
        );
      }
    }
  },
};
