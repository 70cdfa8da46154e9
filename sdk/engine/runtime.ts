/** The runtime: tensors, reads and captured programs on one device. */

import { ARRAY, type Data, type DType, isFloat, type Precision } from '../core/dtype.ts';
import { CaptureError, type DeviceError, DisposedError, type NumericError, OptionError } from '../core/errors.ts';
import type { HostArray, IO } from '../core/host.ts';
import type { Graph, Held, Node, ReadOptions } from '../core/node.ts';
import { CONSTANT, DATA, dataLeaf } from '../core/ops/leaf.ts';
import { makeRng, type Rng } from '../core/rng.ts';
import type { Arg, Captured, CaptureOptions, Out, Runtime, TensorOptions } from '../core/runtime.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { Variable } from '../core/variable.ts';
import { makeCaptured, type Trace } from './capture.ts';
import { CLEAN, type Compiled, type Device, type Flags, type Pending, told } from './device.ts';
import { numericError } from './diagnose.ts';
import { collect } from './expr.ts';
import { Flight } from './flight.ts';
import { Origin, openOrigins, originOf } from './origin.ts';
import { makePlan, type Planned, type PlanOptions } from './plan.ts';
import { checkedHost, hasNonFinite, nonFiniteData } from './upload.ts';

/** Uncaptured reads keep so many plans, by the structure of their graph. */
const PLANS = 256;
/** So many results wait before they are registered, none of more bytes than this. */
const YOUNG = 16;
const YOUNG_BYTES = 1024;

export interface EngineOptions extends PlanOptions {
  seed?: bigint;
  why?: string;
  exactness?: 'bitwise' | 'unverified';
  precision?: Precision;
  /** Traces every captured call again and compares. */
  debug?: boolean;
}

export class EngineRuntime implements Runtime, Graph {
  readonly device: Device;
  readonly contract = 1 as const;
  readonly exactness: 'bitwise' | 'unverified';
  readonly precision: Precision;
  readonly why: string;
  readonly rng: Rng;
  readonly lost: Promise<DeviceError>;
  readonly planOptions: PlanOptions;
  readonly debug: boolean;
  /** The trace being made: reads and assigns of Variables belong to it. */
  trace: Trace | null = null;
  /** Runs whose flags the device has not told yet. */
  readonly #flight = new Flight();
  #ids = 0;
  #disposed = false;
  /** Variables assigned outside a capture and not computed yet. */
  readonly #pending = new Set<Variable>();
  readonly #plans = new Map<string, { planned: Planned; compiled: Compiled }>();
  /** Frees what a fault that nobody asked about held. */
  readonly faults = new FinalizationRegistry<readonly Held[]>((held) => held.forEach((h) => h.release()));
  /** The last results that are not registered yet. */
  readonly #young: Node[] = [];
  #turn = 0;
  /** Frees what a collected node or variable held. */
  readonly #registry = new FinalizationRegistry<{ held: Held | null }>((box) => box.held?.release());

  constructor(device: Device, o: EngineOptions = {}) {
    this.device = device;
    this.lost = device.lost ?? new Promise(() => {});
    this.exactness = o.exactness ?? 'bitwise';
    this.precision = o.precision ?? 'highest';
    this.why = o.why ?? '';
    this.planOptions = { fuse: o.fuse ?? true };
    this.debug = o.debug ?? false;
    this.rng = makeRng(this, o.seed ?? 0n);
  }

  get rt(): Runtime {
    return this;
  }
  get backend(): 'wasm' | 'webgpu' {
    return this.device.backend;
  }
  get threads(): number {
    return this.device.threads ?? 1;
  }
  get adapter(): string {
    return this.device.adapter;
  }
  nextId(): number {
    return this.#ids++;
  }
  /** The number the next node will get. */
  get mark(): number {
    return this.#ids;
  }

  // Making values.

  tensor<D extends DType = 'f32'>(
    data: HostArray<D> | ArrayLike<number>,
    shape?: Shape,
    dtype?: D,
    o: TensorOptions = {},
  ): Tensor<D> {
    this.#alive();
    const host = checkedHost('tensor', data as HostArray | ArrayLike<number>, shape, dtype);
    const held = this.device.allocate(host.data.length);
    if (this.device.upload(held, host.data, host.dtype) && o.nonfinite !== 'keep') {
      held.release();
      throw nonFiniteData('tensor', host.data, host.dtype);
    }
    return new Tensor<D>(this.leafOf(held, host.shape, host.dtype));
  }

  scalar<D extends DType = 'f32'>(v: number, dtype?: D): Tensor<D> {
    return this.tensor<D>([v], [], dtype);
  }

  variable<D extends DType>(init: Tensor<D>, o: { trainable?: boolean } = {}): Variable<D> {
    const v = new Variable<D>(init, o.trainable ?? true);
    this.#registry.register(v, v.box);
    if (!init.node.held) this.#pending.add(v as unknown as Variable);
    return v;
  }

  capture<P extends readonly Arg[], R extends Out>(fn: (...a: P) => R, o: CaptureOptions = {}): Captured<P, R> {
    return makeCaptured(this, fn, o);
  }

  // Values of nodes.

  /** A leaf that owns a value. */
  leafOf(held: Held, shape: Shape, dtype: DType, young = false): Node {
    const n = dataLeaf(this, shape, dtype);
    if (young && held.bytes <= YOUNG_BYTES) this.#keep(n, held);
    else this.own(n, held);
    return n;
  }

  /** Gives a node its value: freed on disposal, or when the node is collected. */
  own(n: Node, held: Held): void {
    n.held = held;
    n.owner = 'registry';
    this.#registry.register(n, { held }, n);
  }

  /**
   * The same for the small result of a call, which loops dispose of at once: registering it costs more than making it, and waits
   * until some others have come.
   */
  #keep(n: Node, held: Held): void {
    n.held = held;
    n.owner = 'young';
    const before = this.#young[this.#turn];
    if (before?.owner === 'young') this.own(before, before.held!);
    this.#young[this.#turn] = n;
    this.#turn = (this.#turn + 1) % YOUNG;
  }

  /** Takes the value from a node that owns it. */
  #disown(n: Node): void {
    if (n.owner === 'registry') this.#registry.unregister(n);
    if (n.owner) n.held?.release();
    n.owner = null;
    n.held = null;
  }

  drop(n: Node): void {
    if (--n.handles > 0 || !n.held) return;
    // Graphs that read a leaf keep it; a computed value can be computed again.
    if (n.op === DATA && n.uses > 0) return;
    this.#disown(n);
  }

  readVariable(v: Variable): Node {
    if (this.trace) return this.trace.read(v);
    const n = v.current!;
    if (v.box.held && n.held === v.box.held) {
      // The value gets a second holder, since a tensor may outlive the variable's next assign.
      this.own(n, v.box.held);
      v.box.held = null;
    }
    return n;
  }

  assignVariable(v: Variable, value: Node): void {
    if (this.trace) {
      this.trace.assigned.set(v, value);
      return;
    }
    this.#rebind(v, value);
    if (value.held) this.#pending.delete(v);
    else this.#pending.add(v);
  }

  #rebind(v: Variable, value: Node): void {
    const old = v.current!;
    value.handles++;
    v.current = value;
    v.box.held?.release();
    if (v.box.held && old.held === v.box.held) old.held = null;
    v.box.held = null;
    this.drop(old);
  }

  /** A captured call's new value: held by the variable alone until a tensor is made of it. */
  install(v: Variable, held: Held, origin: Origin | null): void {
    const old = v.current!;
    const fresh = v.box.held === null || old.held !== v.box.held || old.handles > 1 || old.uses > 0;
    // Where nothing else stands for the old value, its leaf takes the new one.
    const n = fresh ? dataLeaf(this, v.shape, v.dtype) : old;
    n.origin = origin;
    if (fresh) this.#rebind(v, n);
    else v.box.held!.release();
    n.held = held;
    v.box.held = held;
    if (this.unsettled) this.#pending.delete(v);
  }

  /** Computes nodes that hold no value yet, all in one program. Answers what the run raised. */
  realise(nodes: readonly Node[]): Flags | Pending {
    const open = [...new Set(nodes)].filter((n) => !n.held);
    if (open.length === 0) return CLEAN;
    const exprs = collect(open);
    let entry = this.#plans.get(exprs.key);
    if (entry) {
      this.#plans.delete(exprs.key);
    } else {
      const planned = makePlan(exprs, this.planOptions);
      entry = { planned, compiled: this.device.compile(planned.plan) };
      if (this.#plans.size >= PLANS) {
        const [oldest] = this.#plans;
        oldest[1].compiled.dispose();
        this.#plans.delete(oldest[0]);
      }
    }
    this.#plans.set(exprs.key, entry);
    const inputs = exprs.leaves.map((e) => this.heldOf(e.node));
    const outputs = entry.planned.plan.outputs.map((out) => this.device.allocate(out.size));
    const flags = this.device.run(entry.compiled, inputs, outputs);
    const parents = openOrigins(exprs.leaves.map((e) => e.node));
    let origin: Origin | null = null;
    if (parents.length > 0) {
      const o = new Origin('ask' in flags ? flags : null, parents);
      if ('ask' in flags)
        flags.flags.then(
          () => o.settle(null),
          () => {},
        );
      else o.settle(null);
      origin = o;
    }
    open.forEach((n, i) => {
      const held = outputs[entry.planned.rootOutput[i]];
      this.own(n, held.retain());
      n.origin = origin;
    });
    for (const h of outputs) h.release();
    return flags;
  }

  /** The value of a leaf outside any trace. */
  heldOf(n: Node): Held {
    if (n.held) return n.held;
    throw new CaptureError('E_CAPTURE', 'a tensor of a trace was used outside it', {
      hint: 'Return it from the captured function.',
    });
  }

  /** Notes a run that answers later. The promise is what a caller that would run too far ahead waits for. */
  watch(flags: Flags | Pending, bytes = 0): Promise<unknown> | null {
    return 'ask' in flags ? this.#flight.add(flags, bytes) : null;
  }

  /** @throws where nothing may be read now. */
  #readable(o: IO): void {
    this.#alive();
    o.signal?.throwIfAborted();
    if (this.trace) {
      throw new CaptureError('E_IMPURE', 'a captured function read a tensor', {
        hint: 'A captured function only builds and assigns.',
      });
    }
  }

  async read<D extends DType>(node: Node, o: IO & ReadOptions = {}): Promise<Data[D]> {
    this.#readable(o);
    const bits = await this.#valueOf(
      node,
      o,
      (held, size) => this.device.download(held, size, fitting(o.into, node.dtype, size)),
      (words) => isFloat(node.dtype) && hasNonFinite(words, node.dtype),
    );
    return toHost(bits, node.dtype) as Data[D];
  }

  async gpuBuffer(node: Node, o: IO & ReadOptions = {}): Promise<object> {
    this.#readable(o);
    const { device } = this;
    if (!device.share) {
      throw new OptionError(`gpuBuffer: this runtime computes on ${device.backend}`, {
        hint: "Read data(), or use backend 'webgpu'.",
      });
    }
    let made: { destroy(): void } | null = null;
    try {
      return await this.#valueOf(
        node,
        o,
        async (held, size) => {
          made = await device.share!(held, size);
          return made;
        },
        (_, raised) => raised.nonfinite,
      );
    } catch (e) {
      (made as { destroy(): void } | null)?.destroy();
      throw e;
    }
  }

  /** A node's value, copied out; refused where a run, or a look at it, finds that it must be. */
  async #valueOf<T>(
    node: Node,
    o: IO & ReadOptions,
    copy: (held: Held, size: number) => Promise<T>,
    wrong: (value: T, raised: Flags) => boolean,
  ): Promise<T> {
    const keep = o.nonfinite === 'keep';
    const computed = !node.held;
    const flags = computed ? this.realise([node]) : CLEAN;
    const origin = originOf(node);
    const held = node.held!.retain();
    try {
      const size = sizeOf(node.shape);
      // The copy is in line behind all that ran before it, and is not kept waiting for the flags.
      const copied = copy(held, size);
      const [value, raised] =
        computed || origin ? await Promise.all([copied, told(flags), origin?.asked()]) : [await copied, CLEAN];
      o.signal?.throwIfAborted();
      const fault = origin?.fault;
      if (keep) fault?.waive();
      else if (fault || raised.index || wrong(value, raised)) {
        if (computed) this.#forget(node);
        throw await (fault ? fault.error() : this.#explain([node], raised));
      }
      return value;
    } finally {
      held.release();
    }
  }

  /** A value that was refused is not kept: the next read computes and refuses it again. */
  #forget(n: Node): void {
    if (n.op === DATA || n.op === CONSTANT || !n.held) return;
    this.#disown(n);
  }

  #explain(nodes: readonly Node[], flags: Flags): Promise<NumericError> {
    const exprs = collect(nodes);
    return numericError(this.device, exprs.list, (n) => this.heldOf(n), flags, 'read');
  }

  /** True while there are variables that are still graphs. */
  get unsettled(): boolean {
    return this.#pending.size > 0;
  }

  /** Computes the values of variables that are still graphs. */
  settle(vs: Iterable<Variable>): Flags | Pending {
    const all: Variable[] = [];
    for (const v of vs) if (this.#pending.has(v)) all.push(v);
    if (all.length === 0) return CLEAN;
    const flags = this.realise(all.flatMap((v) => (v.current && !v.current.held ? [v.current] : [])));
    for (const v of all) this.#pending.delete(v);
    return flags;
  }

  async flush(o: IO = {}): Promise<void> {
    o.signal?.throwIfAborted();
    this.watch(this.settle(this.#pending));
  }

  memory(): { live: number; peak: number; limit: number } {
    return this.device.memory();
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#plans.clear();
    this.device.dispose();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #alive(): void {
    if (this.#disposed) {
      throw new DisposedError('runtime: used after dispose()', {
        hint: 'Create another runtime with createRuntime().',
      });
    }
  }
}

/** The words of an array that can be filled as they are. */
function fitting(into: ArrayBufferView | undefined, dtype: DType, size: number): Uint32Array | undefined {
  if (!(into instanceof ARRAY[dtype]) || into.BYTES_PER_ELEMENT !== 4 || into.length !== size) return undefined;
  return new Uint32Array(into.buffer, into.byteOffset, size);
}

/** Device words, one an element, as the host's array of a dtype. */
export function toHost(bits: Uint32Array, dtype: DType): Data[DType] {
  switch (dtype) {
    case 'f32':
      return new Float32Array(bits.buffer, bits.byteOffset, bits.length);
    case 'i32':
      return new Int32Array(bits.buffer, bits.byteOffset, bits.length);
    case 'u32':
      return bits;
    default:
      return ARRAY[dtype].from(bits);
  }
}
