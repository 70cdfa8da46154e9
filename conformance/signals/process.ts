/**
 * Trains until it is told to end, in Node, Deno or Bun.
 *
 *   node process.mjs DIRECTORY
 */

import { fsStore } from '../../adapters/fs.ts';
import { isIsobitError } from '../../sdk/core/errors.ts';
import { training } from '../torture/kill/training.ts';

const { trainer, to } = await training(fsStore(process.argv[2]), { everySteps: 1_000_000, onSignal: true });
try {
  await to(1_000_000, (step) => step === 3 && console.log('training'));
} catch (e) {
  if (!isIsobitError(e)) throw e;
  console.log(JSON.stringify({ code: e.code, signal: e.details.signal, step: trainer.step }));
}
process.exit(0);
