/** A library's first training step, from nothing: what the process of the start-up part runs for the peers. */

import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { TINY } from './nets.ts';
import type { Open } from './work.ts';

const [module, opener] = process.argv.slice(2);
const open = ((await import(pathToFileURL(module).href)) as Record<string, Open>)[opener];
const contender = await open({ kind: 'train', net: TINY }, { device: 'wasm', threads: 1 });
await contender.step(0);
console.log(JSON.stringify(process.cpuUsage()));
process.exit(0);
