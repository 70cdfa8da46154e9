#!/usr/bin/env node
/** The `isobit` command. */

import { conformance } from './conformance.ts';
import { convert } from './convert.ts';
import { diff } from './diff.ts';
import { gc, log, rollback, tag } from './history.ts';
import { inspect } from './inspect.ts';
import { run } from './program.ts';
import { repair } from './repair.ts';
import { train } from './train.ts';
import { verify } from './verify.ts';

// A reader that has seen enough (`| head`) ends the program without a word: with its code, or 1 in the middle of the work.
process.stdout.on('error', (e: NodeJS.ErrnoException) => {
  if (e.code === 'EPIPE') process.exit(process.exitCode ?? 1);
  process.stderr.write(`isobit: standard output: ${e.message} (E_IO)\n  Make room there, or write somewhere else.\n`);
  process.exit(1);
});
// Progress that nobody can see stops nothing.
process.stderr.on('error', () => {});

process.exitCode = await run(
  process.argv.slice(2),
  { train, inspect, verify, diff, convert, log, tag, rollback, gc, repair, conformance },
  { out: (text) => process.stdout.write(text), err: (text) => process.stderr.write(text) },
);
