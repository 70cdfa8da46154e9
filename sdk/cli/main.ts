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

process.exitCode = await run(
  process.argv.slice(2),
  { train, inspect, verify, diff, convert, log, tag, rollback, gc, repair, conformance },
  { out: (text) => process.stdout.write(text), err: (text) => process.stderr.write(text) },
);
