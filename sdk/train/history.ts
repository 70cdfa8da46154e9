/** `metrics/`: what was measured and when. Training values and validation values have step lists of their own. */

import { isBetter } from '../checkpoint/index.ts';
import { CheckpointError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import { C } from '../core/scalar/bits.ts';
import type { Component, Saved } from './component.ts';

/** Values of some names at some steps; a value that is missing or not a number is NaN. */
interface Series {
  readonly steps: number[];
  readonly values: Map<string, number[]>;
}

/** `val/loss` is the series `val`, name `loss`; a name without a slash belongs to the series of training. */
const partsOf = (name: string): [series: string, name: string] => {
  const at = name.lastIndexOf('/');
  return [name.slice(0, at + 1), name.slice(at + 1)];
};

export class History implements Component {
  readonly root = 'metrics';
  readonly version = 1;
  #series = new Map<string, Series>();

  /** Adds values of one step; names of one series come together. */
  record(step: number, values: Readonly<Record<string, number | null>>): void {
    const touched = new Set<Series>();
    for (const [full, v] of Object.entries(values)) {
      const [prefix, name] = partsOf(full);
      const series = this.#series.get(prefix) ?? { steps: [], values: new Map<string, number[]>() };
      this.#series.set(prefix, series);
      const list = series.values.get(name) ?? [];
      series.values.set(name, list);
      // A metric that is new to a run has no values before this step.
      while (list.length < series.steps.length) list.push(Number.NaN);
      list.push(v === null ? Number.NaN : C(Math.fround(v)));
      touched.add(series);
    }
    for (const { steps, values: lists } of touched) {
      steps.push(step);
      for (const list of lists.values()) if (list.length < steps.length) list.push(Number.NaN);
    }
  }

  /** Values measured at exactly this step, by full name; null for those that are no number. */
  at(step: number): Record<string, number | null> {
    const found: Record<string, number | null> = {};
    for (const [prefix, { steps, values }] of this.#series) {
      if (steps.at(-1) !== step) continue;
      for (const [name, list] of values) found[prefix + name] = orNull(list[list.length - 1]);
    }
    return found;
  }

  /** The best value of a metric up to a step. */
  best(metric: string, mode: 'min' | 'max', until: number): number | null {
    const [prefix, name] = partsOf(metric);
    const series = this.#series.get(prefix);
    let best: number | null = null;
    series?.values.get(name)?.forEach((v, i) => {
      if (series.steps[i] <= until && isBetter(v, best, mode)) best = v;
    });
    return best;
  }

  /** All values of a metric with their steps. */
  of(metric: string): { step: number; value: number | null }[] {
    const [prefix, name] = partsOf(metric);
    const series = this.#series.get(prefix);
    return (series?.values.get(name) ?? []).map((v, i) => ({ step: series?.steps[i] as number, value: orNull(v) }));
  }

  save(): Saved {
    const tensors = new Map<string, HostArray>();
    for (const [prefix, { steps, values }] of this.#series) {
      tensors.set(`${prefix}step`, { data: Uint32Array.from(steps), shape: [steps.length], dtype: 'u32' });
      for (const [name, list] of values) {
        tensors.set(prefix + name, { data: Float32Array.from(list, C), shape: [list.length], dtype: 'f32' });
      }
    }
    return { state: {}, tensors };
  }

  load({ tensors }: Saved<HostArray>): () => void {
    const next = new Map<string, Series>();
    for (const [full, t] of tensors) {
      const [prefix, name] = partsOf(full);
      const steps = tensors.get(`${prefix}step`);
      if (t.shape.length !== 1 || steps?.shape[0] !== t.shape[0] || t.dtype !== (name === 'step' ? 'u32' : 'f32')) {
        throw new CheckpointError('E_SCHEMA', `tensor 'metrics/${full}': is no list of values with its steps`, {
          tensor: `metrics/${full}`,
          hint: 'It was not written by a Trainer.',
        });
      }
      const series = next.get(prefix) ?? { steps: Array.from(steps.data), values: new Map<string, number[]>() };
      next.set(prefix, series);
      if (name !== 'step') series.values.set(name, Array.from(t.data));
    }
    return () => {
      this.#series = next;
    };
  }
}

const orNull = (v: number): number | null => (Number.isFinite(v) ? v : null);
