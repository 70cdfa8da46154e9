/** A row in a process of Node, Bun or Deno: options are the last argument, what it says goes to standard output. */

import type { RelayOptions, RowOptions } from '../report.ts';
import { runRow } from './row.ts';

await runRow(JSON.parse(process.argv.at(-1) as string) as RowOptions | RelayOptions, (said) =>
  console.log(JSON.stringify(said)),
);
// A GPU's threads would keep the process.
process.exit(0);
