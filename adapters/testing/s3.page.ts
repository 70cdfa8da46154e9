/** A page that keeps its run in a bucket, with nothing between. */

import { training } from '../../conformance/torture/kill/training.ts';
import { RunStore } from '../../sdk/checkpoint/index.ts';
import { type S3StoreOptions, s3Store } from '../s3.ts';
import { serveCalls } from './page-calls.ts';

/** All that an error says, to whoever prints it. */
function textOf(e: unknown): string {
  if (!(e instanceof Error)) return String(e);
  return `${JSON.stringify(e)} ${JSON.stringify({ ...e })} ${e.message} ${e.stack} ${e.cause ? textOf(e.cause) : ''}`;
}

const failure = async (work: Promise<unknown>): Promise<{ code: string; text: string }> => {
  try {
    await work;
  } catch (e) {
    return { code: (e as { code: string }).code, text: textOf(e) };
  }
  return { code: 'none', text: '' };
};

serveCalls({
  /** Saves, resumes in a second trainer, goes on with both: the slower is told. */
  async run(o: S3StoreOptions) {
    const store = s3Store(o);
    const first = await training(store);
    await first.to(3);
    await first.trainer.save();
    await first.to(5);
    await first.trainer.save({ tags: ['five'] });
    const second = await training(s3Store(o));
    const { step } = await second.trainer.resume('five');
    const resumed = [step, await second.trainer.fingerprint()];
    await second.to(7);
    await second.trainer.save();
    await first.to(6);
    const conflict = await failure(first.trainer.save());
    const steps = (await new RunStore(store).commits()).map((c) => c.step);
    return { resumed, conflict, steps };
  },

  /** Reads where it may not. */
  read: (o: S3StoreOptions) => failure(s3Store(o).get('x')),
});
