/**
 * Test-only: compiles the kernels, lays out buffers, programs and plans by hand, and watches what lies behind buffers.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OPCODE, type ScalarOp } from '../sdk/core/scalar/ir.ts';
import { BLOCK_OPS, RECORDS, REGISTER_STRIDE, STEP } from '../sdk/engine/wasm/layout.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const GUARD = 0x5eedbeef;
const GUARDS = 16;

/** Whether the generated opcodes are missing or older than what they are generated from. */
function opcodesAreStale(): boolean {
  const made = join(ROOT, 'wasm/build/opcodes.ts');
  const from = ['scripts/opcodes.ts', 'sdk/core/scalar/ir.ts', 'sdk/engine/wasm/layout.ts'];
  return !existsSync(made) || from.some((f) => statSync(join(ROOT, f)).mtimeMs > statSync(made).mtimeMs);
}

/** Compiles an entry in wasm/, once for each state of the sources. */
export function compile(entry: string): WebAssembly.Module {
  if (opcodesAreStale()) execFileSync(process.execPath, ['--import', 'tsx', 'scripts/opcodes.ts'], { cwd: ROOT });
  const hash = createHash('sha256').update(entry);
  const sources = readdirSync(join(ROOT, 'wasm'), { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.ts') && !f.endsWith('.test.ts'))
    .sort();
  for (const f of sources) hash.update(readFileSync(join(ROOT, 'wasm', f)));
  const file = join(tmpdir(), `isobit-kernels-${hash.digest('hex').slice(0, 16)}.wasm`);
  if (!existsSync(file)) {
    const fresh = `${file}.${process.pid}`;
    const flags = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '-o', fresh];
    execFileSync(process.execPath, ['node_modules/assemblyscript/bin/asc.js', `wasm/${entry}`, ...flags], {
      cwd: ROOT,
    });
    renameSync(fresh, file);
  }
  return new WebAssembly.Module(Uint8Array.from(readFileSync(file)));
}

let compiled: WebAssembly.Module | undefined;

export type Bits = Uint32Array;

/** A record of a plan: its words behind the kind and the count. */
export interface PlanRecord {
  kind: (typeof RECORDS)[number];
  words: readonly number[];
}

/** An operand of a program row: an address and its step, one of STEP. */
export interface Operand {
  at: number;
  step: (typeof STEP)[keyof typeof STEP];
}

/** A program row; missing operands are 0. */
export interface Row {
  op: ScalarOp | (typeof BLOCK_OPS)[number];
  dst?: Operand;
  a?: Operand;
  b?: Operand;
  c?: Operand;
  extra?: number;
}

const NONE: Operand = { at: 0, step: STEP.none };

export class Kernels {
  readonly #memory: WebAssembly.Memory;
  readonly #run: (plan: number) => number;
  readonly #registers: number;
  readonly #base: number;
  #next: number;
  #guards: number[] = [];

  constructor() {
    compiled ??= compile('index.ts');
    const exports = new WebAssembly.Instance(compiled).exports as unknown as {
      memory: WebAssembly.Memory;
      run(plan: number): number;
      registers(): number;
      heapBase(threads: number): number;
    };
    this.#memory = exports.memory;
    this.#run = exports.run;
    this.#registers = exports.registers();
    this.#base = exports.heapBase(1);
    this.#next = this.#base;
  }

  /** Forgets all buffers. */
  clear(): void {
    this.#next = this.#base;
    this.#guards = [];
  }

  /** n words of memory, filled with noise that would be seen in results, then guard words. */
  alloc(n: number): number {
    const at = this.#next;
    const end = at + 4 * (n + GUARDS);
    this.#next = (end + 63) & ~63;
    const missing = this.#next + 65536 - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / 65536));
    new Uint32Array(this.#memory.buffer, at, n).fill(0xff812345);
    new Uint32Array(this.#memory.buffer, at + 4 * n, GUARDS).fill(GUARD);
    this.#guards.push(at + 4 * n);
    return at;
  }

  put(bits: ArrayLike<number>): number {
    const at = this.alloc(bits.length);
    new Uint32Array(this.#memory.buffer, at, bits.length).set(bits);
    return at;
  }

  /** A copy of n words. */
  get(at: number, n: number): Bits {
    return new Uint32Array(this.#memory.buffer, at, n).slice();
  }

  register(i: number): Operand {
    return { at: this.#registers + i * REGISTER_STRIDE, step: STEP.register };
  }

  pattern(dims: readonly number[], strides: readonly number[]): number {
    return this.put([dims.length, ...dims, ...strides].map((w) => w >>> 0));
  }

  program(total: number, setup: readonly Row[], rows: readonly Row[]): number {
    const words = [total, setup.length, rows.length, 0];
    for (const { op, dst = NONE, a = NONE, b = NONE, c = NONE, extra = 0 } of [...setup, ...rows]) {
      const code = op in OPCODE ? OPCODE[op as ScalarOp] : -1;
      const block = BLOCK_OPS.indexOf(op as (typeof BLOCK_OPS)[number]);
      words.push(code < 0 ? Object.keys(OPCODE).length + block : code);
      for (const { at, step } of [dst, a, b, c]) words.push(at, step);
      words.push(extra);
    }
    return this.put(words);
  }

  plan(records: readonly PlanRecord[]): number {
    const words = records.flatMap((r) => [RECORDS.indexOf(r.kind), r.words.length + 2, ...r.words]);
    return this.put([...words, 0].map((w) => w >>> 0));
  }

  /** Runs records and checks that nothing behind a buffer was written. Returns the flags. */
  run(...records: PlanRecord[]): number {
    const flags = this.#run(this.plan(records));
    for (const at of this.#guards) {
      for (const word of new Uint32Array(this.#memory.buffer, at, GUARDS)) {
        if (word !== GUARD) assert.fail(`wrote behind the buffer that ends at ${at}`);
      }
    }
    return flags;
  }

  /** Runs a plan laid out before, for timing. */
  replay(plan: number): number {
    return this.#run(plan);
  }
}

/** A small deterministic generator of u32. */
export function noise(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x9e3779b9) >>> 0;
    let z = Math.imul(s ^ (s >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
}

const cast = new DataView(new ArrayBuffer(4));
export function toBits(x: number): number {
  cast.setFloat32(0, x);
  return cast.getUint32(0);
}
export function toFloat(u: number): number {
  cast.setUint32(0, u);
  return cast.getFloat32(0);
}
export const isNaNBits = (u: number): boolean => (u & 0x7fffffff) > 0x7f800000;
/** C of N0. */
export const canonical = (u: number): number => (isNaNBits(u) ? 0x7fc00000 : (u & 0x7f000000) === 0 ? 0 : u >>> 0);
/** C of N0 of a number rounded to f32. */
export const canonicalOf = (x: number): number => canonical(toBits(Math.fround(x)));

/** n canonical numbers between -1 and 1. */
export function numbers(n: number, seed: number): Bits {
  const next = noise(seed);
  return Uint32Array.from({ length: n }, () => canonicalOf(next() / 2 ** 31 - 1));
}

const EDGES = [
  0, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0x01000000, 0x81000000, 0x7f7fffff, 0xff7fffff,
  0x0c7fffff, 0x0c800000, 0x8c7fffff, 0x8c800000, 0x25ffffff, 0x26000000, 0xa5ffffff, 0xa6000000, 0x3f000000,
  0xbf000000, 0x4b000001, 0x4f000000, 0xcf000000, 0x4f800000, 0x3fc00000, 0x40200000, 0xc0200000,
];
/** n canonical numbers: any exponent, and every fourth an edge of some rule. */
export function edgy(n: number, seed: number): Bits {
  const next = noise(seed);
  return Uint32Array.from({ length: n }, () => (next() & 3 ? canonical(next()) : EDGES[next() % EDGES.length]));
}

/** Fails at the first word that differs; NaN patterns are one value when `loose`. */
export function assertBits(actual: Bits, expected: Bits, what: string, loose = false): void {
  assert.equal(actual.length, expected.length, what);
  for (let i = 0; i < actual.length; i++) {
    if (actual[i] === expected[i] || (loose && isNaNBits(actual[i]) && isNaNBits(expected[i]))) continue;
    assert.fail(`${what}: element ${i} is ${actual[i].toString(16)}, should be ${expected[i].toString(16)}`);
  }
}
