/** A whole training state: every component, saved as one picture and loaded as one. */

import type { CheckpointContent, CheckpointFile, TensorSource } from '../checkpoint/index.ts';
import { CheckpointError } from '../core/errors.ts';
import type { HostArray, IO, Json } from '../core/host.ts';
import type { Runtime } from '../core/runtime.ts';
import { Arithmetic } from './arithmetic-state.ts';
import { type Component, lazily } from './component.ts';
import { History } from './history.ts';
import { modelState } from './model-state.ts';
import { OptimizerState } from './optimizer-state.ts';
import type { TrainerOptions } from './options.ts';
import { Cursor, checkVersions, Seed, Steps } from './progress-state.ts';

/** A picture of the state; its tensors are read when they are written. */
export interface Snapshot {
  readonly content: CheckpointContent;
  readonly step: number;
  readonly epoch: number;
  /** Measured at exactly this step. */
  readonly metrics: Readonly<Record<string, number | null>>;
  /** Frees what it holds. */
  release(): void;
}

export class TrainingState {
  readonly optim: OptimizerState;
  readonly history = new History();
  readonly steps = new Steps();
  readonly cursor = new Cursor();
  readonly seed: Seed;
  readonly #arithmetic: Arithmetic;
  readonly #components: readonly Component[];
  readonly #schema: Readonly<Record<string, number>>;

  constructor(o: TrainerOptions, rt: Runtime) {
    this.optim = new OptimizerState(o.optimizer, o.model.parameters(), rt);
    this.seed = new Seed(BigInt(o.seed ?? rt.rng.seed), o.seed !== undefined);
    this.#arithmetic = new Arithmetic(rt);
    this.#components = [modelState(o.model, rt), this.optim, this.history, this.steps, this.cursor, this.seed];
    this.#schema = {
      numerics: rt.contract,
      ...Object.fromEntries(this.#components.map((c) => [c.root, c.version])),
    };
  }

  /** Values at this moment, whatever is assigned afterwards. Nothing of saving, time or device is in it. */
  snapshot(): Snapshot {
    const marks = this.#arithmetic.save();
    const state: Record<string, Json> = { ...marks.state };
    const tensors = new Map<string, TensorSource>();
    const releases: (() => void)[] = [];
    for (const c of this.#components) {
      const saved = c.save();
      state[c.root] = saved.state;
      for (const [name, v] of saved.tensors) {
        const { source, release } = lazily(v);
        tensors.set(`${c.root}/${name}`, source);
        releases.push(release);
      }
    }
    return {
      content: { kind: 'train', schema: { ...this.#schema, ...marks.schema }, state, tensors },
      step: this.steps.done,
      epoch: this.cursor.epoch,
      metrics: this.history.at(this.steps.done),
      release: () => releases.forEach((r) => r()),
    };
  }

  /**
   * Takes over a file's state: everything is read and checked, then everything is applied.
   * @throws CheckpointError, OptionError; nothing is changed then.
   */
  async load(file: CheckpointFile, o: IO): Promise<void> {
    if (file.kind !== 'train') {
      throw new CheckpointError('E_SCHEMA', `${file.source}: holds '${file.kind}', not a training state`, {
        path: file.source,
        expected: 'train',
        actual: file.kind,
        hint: 'Use loadWeights() for weights alone.',
      });
    }
    checkVersions(file.schema, this.#schema);
    const byRoot = new Map<string, Map<string, HostArray>>();
    for (const [full, tensor] of await file.readAll(o)) {
      const at = full.indexOf('/');
      const root = full.slice(0, at);
      byRoot.set(root, (byRoot.get(root) ?? new Map<string, HostArray>()).set(full.slice(at + 1), tensor));
    }
    const applies = this.#components.map((c) =>
      c.load({ state: file.state[c.root] ?? null, tensors: byRoot.get(c.root) ?? new Map() }),
    );
    applies.push(this.#arithmetic.load(file.state.arithmetic));
    for (const apply of applies) apply();
  }
}
