/**
 * Work that outlives its device. Nothing on a lost GPU can be had back, so the work begins again on another runtime, and what
 * it resumes from its store decides where it goes on: the mechanism is that of a process that ends and is started again.
 */

import { type DeviceError, isIsobitError } from '../core/errors.ts';
import type { IO } from '../core/host.ts';
import { callable, checkOptions, index, type OptionTable, object } from '../core/options.ts';
import type { Runtime } from '../core/runtime.ts';

export interface SurviveOptions extends IO {
  /** Losses that are borne before one is thrown; default 3. A driver that fails at every start must not be tried for ever. */
  losses?: number;
  /** Told of each loss that is borne, with how many there were. */
  onLost?: (loss: DeviceError, count: number) => void;
}

export const SURVIVE_OPTIONS: OptionTable<SurviveOptions> = {
  losses: index,
  onLost: callable('a function of the loss and a count'),
  signal: object('an AbortSignal'),
};

/**
 * Opens a runtime, does `work` on it and disposes of it. When the device is lost, opens another and does the work again from
 * its beginning: make model and Trainer in it, and `resume()`, and it goes on from the last commit with the same bits.
 *
 * @throws DeviceError E_DEVICE_LOST after more losses than `losses`, and whatever `open` and `work` throw besides.
 * @example
 * const fingerprint = await surviveLoss(() => createRuntime({ seed: 42n }), async (rt) => {
 *   const model = new Sequential(new Linear(4, 16), relu, new Linear(16, 3)).init(rt);
 *   const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adam({ lr: 1e-2 }), store, checkpoint: { everySteps: 50 } });
 *   await trainer.resume();
 *   for await (const { step, loss } of trainer.run(data, { epochs: 20 })) console.log(step, await loss.item());
 *   return trainer.fingerprint();
 * });
 */
export async function surviveLoss<T>(
  open: () => Promise<Runtime>,
  work: (rt: Runtime) => Promise<T>,
  o: SurviveOptions = {},
): Promise<T> {
  checkOptions('surviveLoss', SURVIVE_OPTIONS, o);
  const bearable = o.losses ?? 3;
  for (let losses = 1; ; losses++) {
    o.signal?.throwIfAborted();
    const rt = await open();
    let lost: DeviceError | null = null;
    void rt.lost.then((e) => {
      lost = e;
    });
    try {
      return await work(rt);
    } catch (e) {
      // Whatever a lost device made the work throw, the loss is its cause.
      const loss = lost ?? (isIsobitError(e) && e.code === 'E_DEVICE_LOST' ? (e as DeviceError) : null);
      if (!loss || losses > bearable) throw e;
      o.signal?.throwIfAborted();
      o.onLost?.(loss, losses);
    } finally {
      await rt.dispose();
    }
  }
}
