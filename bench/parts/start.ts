/** From starting a process to its first trained step, beside a Node that does nothing. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isFresh } from '../../scripts/stamp.mjs';
import { JAX, OURS, TFJS } from '../libraries.ts';
import type { Part } from '../part.ts';
import { median } from '../race.ts';
import { type Row, rowOf } from '../rows.ts';

const BARE = 'bare Node';
/** Milliseconds that we may add to Node's own start. */
const MOST = 60;
const HERE = fileURLToPath(new URL('..', import.meta.url));

interface Taken {
  /** Milliseconds of the clock, from spawn to exit, and of the processor. */
  readonly wall: number;
  readonly cpu: number;
}

function take(args: readonly string[]): Taken {
  const start = performance.now();
  const r = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const wall = performance.now() - start;
  if (r.status !== 0) throw new Error(r.stderr.trim().split('\n').at(-1));
  const { user, system } = JSON.parse(r.stdout.trim().split('\n').at(-1) ?? '');
  return { wall, cpu: (user + system) / 1000 };
}

export const start: Part = {
  name: 'start',
  title: 'From starting a process to its first trained step of 4-16-3: milliseconds, medians of interleaved processes',
  async *rows({ built, quick, say }) {
    say('start-up …');
    // What users import is the built package.
    if (!isFresh('dist'))
      spawnSync(process.execPath, [join(HERE, '../scripts/build.mjs'), 'dist'], { stdio: 'inherit' });
    const first = (module: string, opener: string) => [join(built, 'first.js'), join(built, `${module}.js`), opener];
    const commands: Readonly<Record<string, readonly string[]>> = {
      [OURS.name]: [join(HERE, 'first-step.mjs')],
      [BARE]: ['-e', 'console.log(JSON.stringify(process.cpuUsage()))'],
      [JAX.name]: first(JAX.module, JAX.open),
      [TFJS.name]: first(TFJS.module, TFJS.open),
    };
    const taken: Record<string, Taken[]> = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
    const absent: Record<string, string> = {};
    for (let round = 0; round < (quick ? 5 : 21); round++) {
      for (const [name, args] of Object.entries(commands)) {
        try {
          if (!(name in absent)) taken[name].push(take(args));
        } catch (e) {
          absent[name] = (e as Error).message;
        }
      }
    }
    const medians = (by: keyof Taken) =>
      Object.fromEntries(
        Object.entries(taken)
          .filter(([, all]) => all.length > 0)
          .map(([name, all]) => [name, median(all.map((t) => t[by]))]),
      );
    const aside = [JAX.name, TFJS.name];
    const row = (name: string, by: keyof Taken, judged: boolean): Row => {
      const all = medians(by);
      const target = judged ? (all[BARE] + MOST) / all[BARE] : null;
      const note = `${(all[OURS.name] - all[BARE]).toFixed(1)} ms more than ${BARE}${judged ? `, of ${MOST} allowed` : ''}`;
      return rowOf({ part: 'start', name, ours: OURS.name, target, unit: 'ms', note, aside }, all, absent);
    };
    yield row('import to first trained step, the clock', 'wall', true);
    yield row('import to first trained step, the processor', 'cpu', false);
  },
};
