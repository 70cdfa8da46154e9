/**
 * `npm run torture -- <part> [--option value …]`: checkpoints under what may befall them. Prints what was done and what it found;
 * the exit code is 1 where something did not hold. `npm run torture` alone lists the parts and their options.
 */

import { parseArgs } from 'node:util';
import { setup } from '../scripts/setup.mjs';
import type { Part } from './torture/part.ts';

/** Imported only when asked for; `needs` is installed then, where it is missing. */
const PARTS: Readonly<Record<string, { about: string; needs?: Parameters<typeof setup>[0]; load(): Promise<Part> }>> = {
  kill: {
    about: 'SIGKILL at random moments while two writers save to one directory',
    load: async () => (await import('./torture/kill.ts')).kill,
  },
  'kill-browser': {
    about: 'SIGKILL of browsers at random moments while a page and a worker save to IndexedDB, or OPFS',
    needs: { browsers: true },
    load: async () => (await import('./torture/kill-browser.ts')).killBrowsers,
  },
  faults: {
    about: 'power cuts at every operation of a modelled disk, and every call failing once in every way',
    load: async () => (await import('./torture/faults.ts')).faults,
  },
  malformed: {
    about: 'files and records that are forged below their digests, and files of other programs',
    load: async () => (await import('./torture/malformed.ts')).malformed,
  },
  speed: {
    about:
      'saving and loading beside the disk and SHA-256 alone, and safetensors; needs twice the size of disk and thrice of memory',
    needs: { python: true },
    load: async () => (await import('./torture/speed.ts')).speed,
  },
};

async function usage(): Promise<never> {
  for (const [name, { about, load }] of Object.entries(PARTS)) {
    const options = Object.entries((await load()).options).map(([k, v]) => ` --${k} ${v}`);
    console.error(`npm run torture -- ${name}${options.join('')}\n    ${about}`);
  }
  process.exit(1);
}

const [name = '', ...args] = process.argv.slice(2);
if (!Object.hasOwn(PARTS, name)) await usage();
const { needs, load } = PARTS[name];
if (needs) setup({ dist: false, ...needs });
const part = await load();

/** Options as given, each of the type of its default. */
function optionsOf({ options }: Part): Part['options'] {
  const { values } = parseArgs({
    args,
    options: Object.fromEntries(Object.keys(options).map((k) => [k, { type: 'string' as const }])),
  });
  return Object.fromEntries(
    Object.entries(options).map(([k, standard]) => {
      const given = values[k];
      if (typeof given !== 'string') return [k, standard];
      if (typeof standard === 'string') return [k, given];
      const n = Number(given);
      if (given === '' || !Number.isFinite(n) || n < 0)
        throw new Error(`--${k} takes a number from 0 up, got ${given}`);
      return [k, n];
    }),
  );
}

const start = performance.now();
const held = await part.run(optionsOf(part), console.log);
console.log(`torture ${name}: ${held ? 'held' : 'FAILED'}, ${((performance.now() - start) / 1000).toFixed(1)} s`);
process.exit(held ? 0 : 1);
