/**
 * `node --import tsx scripts/roofline.ts`: what the WGSL kernels do for each unit of their work, counted from their text, and the
 * least time that three real GPUs need for it by their published peaks. docs/performance.md holds what it prints.
 *
 * Every operator, select and conversion is one operation, addresses included; a guard is one (its xor); a divergent branch counts
 * as taken. Peaks of arithmetic are stated in fused multiply-adds, and guards forbid fusing: an operation takes half a flop's pair.
 */

import { pathToFileURL } from 'node:url';
import { KERNELS } from '../sdk/engine/webgpu/kernels.ts';
import { parse } from '../wgsl/check/parse.ts';
import type { Expression, Statement } from '../wgsl/check/syntax.ts';
import { tokenize } from '../wgsl/check/tokens.ts';
import { FUNCTIONS, include } from '../wgsl/functions/index.ts';

/** Peaks: f32 TFLOP/s and GB/s of memory; docs/performance.md names the sources. */
export const GPUS = [
  { name: 'NVIDIA RTX 4090', tflops: 82.6, bandwidth: 1008 },
  { name: 'Apple M2, 10 cores', tflops: 3.6, bandwidth: 100 },
  { name: 'Intel Iris Xe, 96 EU at 1.35 GHz', tflops: 2.07, bandwidth: 68.3 },
] as const;

interface Count {
  operations: number;
  guards: number;
  words: number;
}

/** What code does once through: its own operations and those of the functions it calls. */
export function count(code: string): Count {
  const { functions } = parse(tokenize(code).tokens);
  const total: Count = { operations: 0, guards: 0, words: 0 };
  const expression = (e: Expression): void => {
    switch (e.kind) {
      case 'unary':
        total.operations++;
        expression(e.x);
        break;
      case 'binary':
        total.operations++;
        expression(e.a);
        expression(e.b);
        break;
      case 'member':
        expression(e.x);
        break;
      case 'index':
        if (e.x.kind === 'name' && e.x.name === 'mem') total.words++;
        expression(e.i);
        break;
      case 'call': {
        for (const a of e.args) expression(a);
        const own = functions.find((f) => f.name === e.name);
        if (e.name === 'G') total.guards++;
        if (own) statements(own.body);
        else if (!['bitcast', 'Quotient'].includes(e.name)) total.operations++;
        break;
      }
      default:
        break;
    }
  };
  const statements = (body: readonly Statement[]): void => {
    for (const s of body) {
      if (s.kind === 'block') statements(s.body);
      else if (s.kind === 'declare') {
        if (s.init) expression(s.init);
      } else if (s.kind === 'assign') {
        expression(s.target);
        if (s.op !== '=') total.operations++;
        if (s.value) expression(s.value);
      } else expression(s.value);
    }
  };
  const main = functions.find((f) => f.name === 'main');
  if (!main) throw new Error('roofline: no entry');
  statements(main.body);
  return total;
}

/** The text in braces behind `head`. */
function block(code: string, head: string): string {
  const start = code.indexOf('{', code.indexOf(head) + head.length - 1);
  let depth = 0;
  for (let i = start; i < code.length; i++) {
    if (code[i] === '{') depth++;
    else if (code[i] === '}' && --depth === 0) return code.slice(start + 1, i);
  }
  throw new Error(`roofline: no block behind ${head}`);
}

/** A kernel of one of its loops alone. */
const loopOf = (name: keyof typeof KERNELS, head: string): string => {
  const code = KERNELS[name];
  const at = code.indexOf('@compute');
  return `${code.slice(0, at)}@compute @workgroup_size(64) fn main() {${block(code.slice(at), head)}}`;
};
/** Rows of the scalar IR over elements in memory, as the printer writes them. */
const printed = (rows: readonly (keyof typeof FUNCTIONS)[], operands: number): string => {
  const pieces = include([...new Set(rows.flatMap((r) => FUNCTIONS[r].needs))]);
  const loads = Array.from({ length: operands }, (_, k) => `let x${k} = mem[i + ${k}u];`).join('\n');
  const calls = rows.map((r, k) => `let v${k} = ${FUNCTIONS[r].call('x0', operands > 1 ? 'x1' : 'x0')};`).join('\n');
  const guard = pieces.includes('fn G(') ? '' : 'fn G(x: f32) -> f32 { return x; }';
  return `${guard}\n${pieces}\n@compute @workgroup_size(64) fn main() {\n${loads}\n${calls}\nmem[i] = v${rows.length - 1};\n}`;
};

const MACS = (side: number) => side * side;
/** Adam's update of one element (N13): m, v, root, quotient, step. */
const ADAM = [
  'mul_f',
  'mul_f',
  'add_f',
  'mul_f',
  'mul_f',
  'mul_f',
  'add_f',
  'sqrt',
  'mul_f',
  'add_f',
  'div_f',
  'mul_f',
  'sub_f',
] as const;

interface Row {
  readonly name: string;
  readonly unit: string;
  readonly code: string;
  /** Units that one pass of the code makes. */
  readonly units: number;
  /** Bytes of memory a unit; words counted in the code unless given. */
  readonly bytes?: number;
  /** Operations of a fused form without guards, a unit. */
  readonly fused?: number;
}

const q = 'for (var q = first; q < end; q++) {';
/** A product of 1024 x 1024 x 1024 moves 12 MiB for 2^30 pairs. */
const BYTES_OF_PRODUCT = (3 * 4 * 2 ** 20) / 2 ** 30;
const ROWS: readonly Row[] = [
  {
    name: 'matmulPacked',
    unit: 'pair a*b',
    code: loopOf('matmulPacked', q),
    units: MACS(8),
    bytes: BYTES_OF_PRODUCT,
    fused: 1,
  },
  {
    name: 'matmulPackedExact',
    unit: 'pair a*b',
    code: loopOf('matmulPackedExact', q),
    units: MACS(8),
    bytes: BYTES_OF_PRODUCT,
    fused: 1,
  },
  {
    name: 'matmulWide',
    unit: 'pair a*b',
    code: loopOf('matmulWide', q),
    units: MACS(8),
    bytes: BYTES_OF_PRODUCT,
    fused: 1,
  },
  { name: 'matmul', unit: 'pair a*b', code: loopOf('matmul', q), units: MACS(4), bytes: BYTES_OF_PRODUCT, fused: 1 },
  { name: 'matmulInt8', unit: 'pair a*b', code: loopOf('matmulInt8', q), units: MACS(4), bytes: BYTES_OF_PRODUCT },
  { name: 'pack', unit: 'element', code: loopOf('pack', 'for (var q = first; q < end; q++) {'), units: 1 },
  {
    name: 'parts',
    unit: 'part',
    code: loopOf('parts', 'for (var part = 1u; part < parts; part++) {'),
    units: 1,
  },
  { name: 'sumF32', unit: 'element', code: loopOf('sumF32', 'for (var r = lane; r < count; r += 64u) {'), units: 1 },
  { name: 'max', unit: 'element', code: loopOf('max', 'for (var r = 0u; r < count; r++) {'), units: 1, bytes: 4 },
  ...(['add_f', 'mul_f'] as const).map((op) => ({
    name: `printed ${op}`,
    unit: 'element',
    code: printed([op], 2),
    units: 1,
  })),
  ...(['div_f'] as const).map((op) => ({ name: `printed ${op}`, unit: 'element', code: printed([op], 2), units: 1 })),
  ...(['sqrt', 'exp', 'log', 'tanh', 'sigmoid', 'erf', 'narrow'] as const).map((op) => ({
    name: `printed ${op}`,
    unit: 'element',
    code: printed([op], 1),
    units: 1,
  })),
  { name: 'printed Adam', unit: 'parameter', code: printed(ADAM, 1), units: 1, bytes: 28 },
];

const short = (x: number): string => (x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2));

/** The table: picoseconds a unit by the larger of arithmetic and memory, and what the guards add to it. */
export function roofline(): string {
  const head = [
    'kernel',
    'unit',
    'operations',
    'guards among them',
    'bytes',
    ...GPUS.map((g) => `${g.name}: ps, guards`),
  ];
  const rows = ROWS.map(({ name, unit, code, units, bytes, fused }) => {
    const c = count(code);
    const [operations, guards] = [c.operations / units, c.guards / units];
    const moved = bytes ?? (c.words * 4) / units;
    const cells = GPUS.map(({ tflops, bandwidth }) => {
      const memory = (moved / bandwidth) * 1000;
      const arithmetic = (n: number) => n / (tflops / 2);
      const bound = Math.max(arithmetic(operations), memory);
      // Without guards a product and its sum are one instruction.
      const free = Math.max(arithmetic(operations - guards - (fused ?? 0)), memory);
      return `${short(bound)} ${arithmetic(operations) > memory ? 'A' : 'M'}, ${(bound / free).toFixed(2)}`;
    });
    return [name, unit, short(operations), short(guards), moved < 0.1 ? moved.toFixed(3) : short(moved), ...cells];
  });
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(roofline());
