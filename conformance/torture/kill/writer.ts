/**
 * The process that is killed.
 *
 *   node writer.mjs '{"dir": "…", "seed": 1, "keepLast": 3}'
 */

import { fsStore } from '../../../adapters/fs.ts';
import { type Work, work } from './work.ts';

export interface Job extends Work {
  readonly dir: string;
}

const { dir, ...o } = JSON.parse(process.argv[2]) as Job;
await work(fsStore(dir), o, (s) => process.stdout.write(`${JSON.stringify(s)}\n`));
