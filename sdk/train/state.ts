/** A whole training state: every component, saved as one picture and loaded as one. */

import type { CheckpointFile, Picture, TensorSource } from '../checkpoint/index.ts';
import { CheckpointError } from '../core/errors.ts';
import type { HostArray, IO, Json } from '../core/host.ts';
import type { Runtime } from '../core/runtime.ts';
import { Arithmetic } from './arithmetic-state.ts';
import { type Component, isMap, lazily, type Migrated } from './component.ts';
import { History } from './history.ts';
import { UserState } from './metadata.ts';
import { modelState } from './model-state.ts';
import { OptimizerState } from './optimizer-state.ts';
import type { TrainerOptions } from './options.ts';
import { Cursor, checkVersions, Seed, Steps } from './progress-state.ts';

/**
 * A picture of the state, with what was measured at exactly its step. Values never change, so it costs nothing to take: its
 * tensors are read when they are written, and until then the device keeps those that later steps replace.
 */
export interface Snapshot extends Picture {
  release(): void;
}

export class TrainingState {
  readonly optim: OptimizerState;
  readonly history = new History();
  readonly steps = new Steps();
  readonly cursor = new Cursor();
  readonly seed: Seed;
  readonly user: UserState;
  readonly #arithmetic: Arithmetic;
  readonly #components: readonly Component[];
  readonly #schema: Readonly<Record<string, number>>;

  constructor(o: TrainerOptions, rt: Runtime) {
    this.optim = new OptimizerState(o.optimizer, o.model.parameters(), rt);
    this.seed = new Seed(BigInt(o.seed ?? rt.rng.seed), o.seed !== undefined);
    this.user = new UserState(o.metadata);
    this.#arithmetic = new Arithmetic(rt);
    this.#components = [modelState(o.model, rt), this.optim, this.history, this.steps, this.cursor, this.seed].concat(
      o.components ?? [],
    );
    this.#schema = {
      numerics: rt.contract,
      ...Object.fromEntries(this.#components.map((c) => [c.root, c.version])),
    };
  }

  /** Values at this moment, whatever is assigned afterwards. Nothing of saving, time or device is in it. */
  snapshot(): Snapshot {
    const marks = [this.#arithmetic.save(), this.user.save()];
    const state: Record<string, Json> = Object.assign({}, ...marks.map((m) => m.state));
    const tensors = new Map<string, TensorSource>();
    const releases: (() => void)[] = [];
    for (const c of this.#components) {
      const saved = c.save();
      const [top, name] = c.root.split('/');
      state[top] = name === undefined ? saved.state : { ...(state[top] as object | undefined), [name]: saved.state };
      for (const [name, v] of saved.tensors) {
        const { source, release } = lazily(v);
        tensors.set(`${c.root}/${name}`, source);
        releases.push(release);
      }
    }
    return {
      content: {
        kind: 'train',
        schema: Object.assign({}, this.#schema, ...marks.map((m) => m.schema)),
        state,
        tensors,
      },
      step: this.steps.done,
      epoch: this.cursor.epoch,
      metrics: this.history.at(this.steps.done),
      release: () => releases.forEach((r) => r()),
    };
  }

  /**
   * Takes over a file's state: everything is read and checked, then everything is applied.
   * @returns the components that migrations were needed for
   * @throws CheckpointError, OptionError; nothing is changed then.
   */
  async load(file: CheckpointFile, o: IO): Promise<Migrated[]> {
    if (file.kind !== 'train') {
      throw new CheckpointError('E_SCHEMA', `${file.source}: holds '${file.kind}', not a training state`, {
        path: file.source,
        expected: 'train',
        actual: file.kind,
        hint: 'Use loadWeights() for weights alone.',
      });
    }
    const { schema, state } = file;
    const fixed = this.#components.filter((c) => !c.upgrade).map((c) => c.root);
    checkVersions(schema, this.#schema, fixed);
    const byRoot = new Map<string, Map<string, HostArray>>();
    for (const [full, tensor] of await file.readAll(o)) {
      const [root] = this.#components.map((c) => c.root).filter((r) => full.startsWith(`${r}/`));
      if (root === undefined) continue;
      byRoot.set(root, (byRoot.get(root) ?? new Map<string, HostArray>()).set(full.slice(root.length + 1), tensor));
    }
    const migrated: Migrated[] = [];
    const applies = this.#components.map((c) => {
      const [top, name] = c.root.split('/');
      const at = name === undefined ? state : state[top];
      const saved = { state: (isMap(at) ? at[name ?? top] : null) ?? null, tensors: byRoot.get(c.root) ?? new Map() };
      const from = schema[c.root] ?? 0;
      return c.load(from !== c.version && c.upgrade ? c.upgrade(c, from, saved, migrated) : saved);
    });
    const marks = [this.#arithmetic.load(state.arithmetic), this.user.load(state.user)];
    // The caller's components first: by now nothing but they can fail.
    for (const apply of [...marks, ...applies].reverse()) apply();
    return migrated;
  }
}
