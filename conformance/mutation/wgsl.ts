/**
 * Mutants of WGSL, generated from the text that is compiled: every piece of the functions, and the body of every handwritten
 * kernel. One place at a time loses its guard or snap, or gets another operator, comparison, constant, rounding, count or parameter.
 */

import { SCALAR_OPS, type ScalarOp } from '../../sdk/core/scalar/ir.ts';
import { KERNELS } from '../../sdk/engine/webgpu/kernels.ts';
import { FUNCTIONS, guard, include, type Wgsl } from '../../wgsl/functions/index.ts';

type KernelName = keyof typeof KERNELS;

export interface WgslMutant {
  /** Unique, and the same in every process: piece or kernel, kind, place. */
  readonly id: string;
  readonly kind: string;
  /** The line, before and after. */
  readonly was: string;
  readonly is: string;
  /** What it is a mutant of: a piece's code, or a kernel's whole module. */
  readonly code: string;
  /** A whole module with it. */
  readonly module: string;
  readonly mutated: string;
  /** The ops whose kernels hold the piece; none for a kernel. */
  readonly ops: readonly ScalarOp[];
  readonly kernel: KernelName | null;
}

interface Operator {
  readonly kind: string;
  readonly find: RegExp;
  readonly replace: (all: string, ...groups: string[]) => string;
  /** Lines that it is for; all unless given. */
  readonly only?: RegExp;
  /** Counts and places in pieces are the business of their constants and comparisons. */
  readonly kernelsOnly?: boolean;
}

const swap =
  (...pairs: readonly (readonly [string, string])[]) =>
  (all: string): string => {
    const found = pairs.find(([a]) => all.trim() === a);
    return found ? all.replace(found[0], found[1]) : all;
  };

const OPERATORS: readonly Operator[] = [
  { kind: 'guard dropped', find: /\bG\(/g, replace: () => '(' },
  { kind: 'snap dropped', find: /\b(?:S|C|W|leaf)\(/g, replace: () => '(' },
  { kind: 'operator', find: / [-+*] (?!=)/g, replace: swap(['+', '-'], ['-', '+'], ['*', '+']), only: /\bG\(/ },
  {
    kind: 'comparison',
    find: / (?:<=?|>=?|==|!=) /g,
    replace: swap(['<', '<='], ['<=', '<'], ['>', '>='], ['>=', '>'], ['==', '!='], ['!=', '==']),
  },
  { kind: 'constant', find: /\b0x([0-9a-f]+)(u?)\b/g, replace: (_, hex, u) => `0x${other(hex)}${u}` },
  { kind: 'constant', find: /(?<![\w.])(\d+\.\d+)\b/g, replace: (_, x) => (Number(x) * 2).toFixed(1) },
  { kind: 'rounding', find: /\b(round|floor|ceil|trunc)\(/g, replace: (_, f) => (f === 'trunc' ? 'floor(' : 'trunc(') },
  { kind: 'count', find: /\b(\d+)u\b/g, replace: (_, n) => `${Number(n) + 1}u`, kernelsOnly: true },
  {
    kind: 'parameter',
    find: /params\[(\d+)\]\.([xyzw])/g,
    replace: (_, block, c) =>
      c === 'w' ? `params[${Number(block) + 1}].x` : `params[${block}].${'yzw'['xyz'.indexOf(c)]}`,
    kernelsOnly: true,
  },
];

/** The last bit changed. */
const other = (hex: string): string => ((Number.parseInt(hex, 16) ^ 1) >>> 0).toString(16).padStart(hex.length, '0');

function mutants(
  of: string,
  code: string,
  from: number,
  rest: Pick<WgslMutant, 'ops' | 'kernel' | 'module'>,
): WgslMutant[] {
  const comments = [...code.matchAll(/\/\/[^\n]*/g)].map((m) => [m.index, m.index + m[0].length]);
  const lineAt = (text: string, at: number) => {
    const begin = text.lastIndexOf('\n', at) + 1;
    const end = text.indexOf('\n', at);
    return text.slice(begin, end < 0 ? undefined : end).trim();
  };
  const out: WgslMutant[] = [];
  const seen = new Map<string, number>();
  for (const { kind, find, replace, only, kernelsOnly } of OPERATORS) {
    if (kernelsOnly && rest.kernel === null) continue;
    for (const m of code.matchAll(find)) {
      const at = m.index;
      if (at < from || comments.some(([a, b]) => at >= a && at < b)) continue;
      const to = replace(m[0], ...m.slice(1));
      if (to === m[0]) continue;
      // A count that is never below 0 makes a loop without end, which answers nothing.
      if (to === ' >= ' && code.startsWith('0u;', at + m[0].length)) continue;
      const mutated = code.slice(0, at) + to + code.slice(at + m[0].length);
      if (only && !only.test(lineAt(code, at + 1))) continue;
      const [was, is] = [lineAt(code, at + 1), lineAt(mutated, at + 1)];
      const n = seen.get(`${was}|${is}`) ?? 0;
      seen.set(`${was}|${is}`, n + 1);
      out.push({ id: `${of}: ${was}  ->  ${is}${n > 0 ? ` (${n + 1})` : ''}`, kind, was, is, code, mutated, ...rest });
    }
  }
  return out;
}

/** Ops by the piece that they hold. */
function reach(): Map<Wgsl, Set<ScalarOp>> {
  const ops = new Map<Wgsl, Set<ScalarOp>>();
  for (const op of SCALAR_OPS) {
    const visit = (p: Wgsl): void => {
      ops.set(p, (ops.get(p) ?? new Set()).add(op));
      p.needs.forEach(visit);
    };
    FUNCTIONS[op].needs.forEach(visit);
  }
  return ops;
}

/**
 * The cells of a tile are alike: of lines that differ in a cell's place alone, the last is kept; of those that do not differ, the
 * first, as what the last one counts may not be read again.
 */
function thinned(all: readonly WgslMutant[]): WgslMutant[] {
  const last = new Map<string, WgslMutant>();
  for (const m of all) {
    const alike = `${m.was}|${m.is}`.replace(/\b([a-z]{1,2})\d{1,2}\b/g, '$1').replace(/\b(row|column) \+ \du/g, '$1');
    const before = last.get(alike);
    if (before?.was !== m.was || before.is !== m.is) last.set(alike, m);
  }
  const keep = new Set(last.values());
  return all.filter((m) => keep.has(m));
}

/** Of all pieces that ops are made of but the guard, which is planted as a whole, and of all kernels. */
export function wgslMutants(): WgslMutant[] {
  const shared = [...reach()].flatMap(([piece, ops]) =>
    piece.name === 'guard'
      ? []
      : mutants(`wgsl ${piece.name}`, piece.code, 0, { ops: [...ops], kernel: null, module: include([guard, piece]) }),
  );
  const kernels = (Object.keys(KERNELS) as KernelName[]).flatMap((kernel) => {
    const code = KERNELS[kernel];
    const own = code.search(/fn (tree|plus|above)\b|@compute/);
    return thinned(mutants(`kernel ${kernel}`, code, own, { ops: [], kernel, module: code }));
  });
  return [...shared, ...kernels];
}
