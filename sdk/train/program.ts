/** The two programs of training: one optimiser step, and the measuring of one batch. Each is captured once a batch shape. */

import { DataError, DTypeError, isIsobitError, OptionError, ShapeError } from '../core/errors.ts';
import { grad } from '../core/grad.ts';
import type { HostArray } from '../core/host.ts';
import type { Rng } from '../core/rng.ts';
import type { Ahead, Captured, Numbers, Runtime, Series } from '../core/runtime.ts';
import { type Shape, sameShape, showShape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Batch } from '../data/source.ts';
import type { Ctx } from '../nn/module.ts';
import type { Scalars } from '../optim/optimizer.ts';
import type { OptimizerState } from './optimizer-state.ts';
import { type BatchTensors, checkMetricName, type TrainerOptions } from './options.ts';
import { turns } from './turn.ts';

/** What a batch gives: scalars by name, the loss first. */
export type Measured = { readonly loss: Tensor<'f32'>; readonly [metric: string]: Tensor<'f32'> };

/** Batches that are evaluated before their values are read: reading each would stop a device that runs ahead. */
const TOGETHER = 32;

type Args = [batch: BatchTensors, step: Tensor<'u32'>];
type StepArgs = [...Args, hyper: Scalars];
type Feeds = [batch: Batch, step: HostArray<'u32'>, hyper: Readonly<Record<string, number>>];

/**
 * Checks targets on the host before the device sees them. The shape of the predictions is known when a batch shape is first
 * traced; from then on it is remembered.
 */
class TargetCheck {
  readonly #check: ((prediction: Shape, target: HostArray) => void) | undefined;
  readonly #traced: { readonly shape: Shape; readonly dtype: string; readonly prediction: Shape }[] = [];
  #target: HostArray | undefined;

  constructor(check: ((prediction: Shape, target: HostArray) => void) | undefined) {
    this.#check = check;
  }

  /** True where `batch` can check without a trace. */
  knows({ x }: Batch): boolean {
    return !this.#check || this.#of(x) !== undefined;
  }
  #of(x: HostArray | undefined) {
    return x && this.#traced.find((t) => t.dtype === x.dtype && sameShape(t.shape, x.shape));
  }

  /** Before a call. */
  batch({ x, y }: Batch): void {
    this.#target = y;
    const known = this.#of(x);
    if (known && y) this.#check?.(known.prediction, y);
  }

  /** Inside the trace: nothing has run yet, so a refusal here leaves everything as it was. */
  traced(x: Tensor, prediction: Tensor): void {
    this.#traced.push({ shape: x.shape, dtype: x.dtype, prediction: prediction.shape });
    if (this.#target) this.#check?.(prediction.shape, this.#target);
  }
}

/** Loss and metrics of a batch. `ctx` is undefined for inference with a loss; an objective always gets one. */
function measure(o: TrainerOptions, batch: BatchTensors, ctx: Ctx, targets: TargetCheck): Measured {
  if (o.objective) {
    const { loss, ...metrics } = o.objective(o.model, batch, ctx);
    for (const name of Object.keys(metrics)) checkMetricName(name);
    return scalars({ loss, ...metrics });
  }
  const { x, y } = batch;
  if (!x || !y) {
    throw new DataError(`Trainer: a batch has ${Object.keys(batch).join(', ') || 'nothing'}, a loss needs x and y`, {
      hint: 'Use batches(x, y, …), or give an objective for other fields.',
      details: { fields: Object.keys(batch) },
    });
  }
  const prediction = o.model.forward(x, ctx.train ? ctx : undefined);
  targets.traced(x, prediction);
  const found: Record<string, Tensor> = { loss: (o.loss as NonNullable<typeof o.loss>)(prediction, y) };
  for (const [name, metric] of Object.entries(o.metrics ?? {})) found[name] = metric(prediction, y);
  return scalars(found);
}

function scalars(found: Readonly<Record<string, Tensor>>): Measured {
  const out: Record<string, Tensor<'f32'>> = {};
  for (const [name, t] of Object.entries(found)) {
    if (t.shape.length !== 0) {
      throw new ShapeError(`Trainer: ${name} has shape ${showShape(t.shape)}, expected a scalar`, {
        hint: 'Reduce it, such as by mean().',
        details: { name, shape: t.shape },
      });
    }
    if (name === 'loss' && t.dtype !== 'f32') {
      throw new DTypeError(`Trainer: the loss is ${t.dtype}, expected f32`, { hint: "Cast it: .cast('f32')." });
    }
    out[name] = t.cast('f32');
  }
  return out as Measured;
}

/** A number of the host as a scalar argument. */
const u32 = (n: number): HostArray<'u32'> => ({ data: Uint32Array.of(n), shape: [], dtype: 'u32' });

/** One optimiser step: loss, gradients, update, assigned together or not at all. */
export class StepProgram {
  readonly #captured: Captured<StepArgs, Measured>;
  readonly #targets: TargetCheck;
  readonly #o: TrainerOptions;

  constructor(o: TrainerOptions, state: OptimizerState, rt: Runtime, rng: Rng) {
    const parameters = o.model.parameters();
    const names = [...parameters.keys()];
    const targets = new TargetCheck(o.loss?.check);
    this.#targets = targets;
    this.#o = o;
    this.#captured = rt.capture(
      (batch: BatchTensors, step: Tensor<'u32'>, hyper: Scalars): Measured => {
        const measured = measure(o, batch, { train: true, rng: rng.at(step) }, targets);
        const gradients = gradientsOf(measured.loss, names, [...parameters.values()]);
        const values = new Map([...parameters].map(([name, v]) => [name, v.value()]));
        const next = o.optimizer.update(values, gradients, state.values(), hyper);
        for (const [name, v] of parameters) v.assign(next.params.get(name) as Tensor<'f32'>);
        state.assign(next.slots);
        return measured;
      },
      { onNonFinite: o.onNonFinite === 'skip' ? 'reject' : 'stop' },
    );
  }

  #feed(batch: Batch, step: number): Feeds {
    this.#targets.batch(batch);
    return [batch, u32(step), this.#o.optimizer.hyper(step)];
  }

  /** @throws what the loss's check throws, and NumericError where it is known at once; nothing is assigned then. */
  ahead(batch: Batch, step: number): Promise<Ahead<Measured>> {
    return this.#captured.ahead(...this.#feed(batch, step));
  }

  /** Steps as one, as many of them as can be. What is to be looked at first, or is refused on the host, is left to `ahead`. */
  series(batches: readonly Batch[], step: number): Promise<Series<Measured>> {
    const calls: Feeds[] = [];
    try {
      for (const batch of batches) {
        if (!this.#targets.knows(batch)) break;
        calls.push(this.#feed(batch, step + calls.length));
      }
    } catch {}
    return this.#captured.series(calls);
  }

  dispose(): void {
    this.#captured.dispose();
  }
}

/** Gradients by name; an unused parameter is named, because grad knows only its number. */
function gradientsOf(loss: Tensor<'f32'>, names: readonly string[], by: Parameters<typeof grad>[1]) {
  try {
    return new Map(grad(loss, by).map((g, i) => [names[i], g]));
  } catch (e) {
    const at = isIsobitError(e) && e.code === 'E_OPTION' ? e.details.index : undefined;
    if (typeof at !== 'number') throw e;
    throw new OptionError(`Trainer: the loss does not depend on parameter ${names[at]}`, {
      hint: 'Use it in forward(), or leave it out.',
      details: { parameter: names[at] },
      cause: e,
    });
  }
}

/** Loss and metrics of batches, without training. */
export class EvaluationProgram {
  readonly #captured: Captured<Args, Measured>;
  readonly #targets: TargetCheck;

  constructor(o: TrainerOptions, rt: Runtime, rng: Rng) {
    const targets = new TargetCheck(o.loss?.check);
    this.#targets = targets;
    this.#captured = rt.capture(
      (batch: BatchTensors, step: Tensor<'u32'>): Measured =>
        measure(o, batch, { train: false, rng: rng.at(step) }, targets),
    );
  }

  /** Mean of each value over all rows, weighted by the rows of each batch; null where a value is Inf or NaN. */
  async mean(
    batches: AsyncIterable<Batch>,
    step: number,
    signal?: AbortSignal,
  ): Promise<Record<string, number | null>> {
    const sums = new Map<string, number>();
    let rows = 0;
    const turn = turns();
    let waiting: { n: number; measured: Measured }[] = [];
    const read = async (): Promise<void> => {
      const values = await Promise.all(waiting.map(({ measured }) => valuesOf(measured, 'keep')));
      for (const [i, { n, measured }] of waiting.entries()) {
        // N10: in doubles, by + * / only, batch after batch.
        for (const [name, v] of values[i]) sums.set(name, (sums.get(name) ?? 0) + n * v);
        release(measured);
      }
      waiting = [];
    };
    for await (const batch of batches) {
      await turn();
      signal?.throwIfAborted();
      this.#targets.batch(batch);
      const n = rowsOf(batch);
      waiting.push({ n, measured: await this.#captured(batch, u32(step)) });
      rows += n;
      if (waiting.length >= TOGETHER) await read();
    }
    await read();
    if (rows === 0) throw new DataError('evaluate: the data gave no rows', { hint: 'Give at least one batch.' });
    return Object.fromEntries([...sums].map(([name, s]) => [name, Number.isFinite(s) ? s / rows : null]));
  }

  dispose(): void {
    this.#captured.dispose();
  }
}

/** All values at once, which a GPU gives in one answer. */
export function valuesOf(measured: Measured, nonfinite: 'throw' | 'keep' = 'throw'): Promise<[string, number][]> {
  const read = async ([name, t]: [string, Tensor]): Promise<[string, number]> => [name, await t.item({ nonfinite })];
  return Promise.all(Object.entries(measured).map(read));
}

/** The same, where they may be numbers already. */
export async function numbersOf(measured: Measured | Numbers<Measured>): Promise<Readonly<Record<string, number>>> {
  return isRead(measured) ? measured : Object.fromEntries(await valuesOf(measured));
}

const isRead = (measured: Measured | Numbers<Measured>): measured is Numbers<Measured> =>
  typeof measured.loss === 'number';

export function release(measured: Measured | Numbers<Measured>): void {
  if (!isRead(measured)) for (const t of Object.values(measured)) t.dispose();
}

function rowsOf(batch: Batch): number {
  const [first] = Object.values(batch);
  return first?.shape[0] ?? 0;
}
