/** A row in a page: options and lines travel over HTTP, which every browser speaks alike. */

import type { RelayOptions, RowOptions, Said } from '../report.ts';
import { runRow } from './row.ts';

const options = (await (await fetch('/options')).json()) as RowOptions | RelayOptions;
/** Lines arrive in the order in which they were said. */
let sent: Promise<unknown> = Promise.resolve();
const post = (said: Said) => fetch('/said', { method: 'POST', body: JSON.stringify(said) });

await runRow(options, (said) => {
  sent = sent.then(() => post(said));
});
