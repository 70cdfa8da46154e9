#!/usr/bin/env node
/** The `isobit` command. */

import { conformance } from './conformance.ts';
import { inspect } from './inspect.ts';
import { run } from './program.ts';
import { train } from './train.ts';

process.exitCode = await run(
  process.argv.slice(2),
  { train, inspect, conformance },
  { out: (text) => process.stdout.write(text), err: (text) => process.stderr.write(text) },
);
