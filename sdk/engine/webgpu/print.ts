/** The generator: prints a fused program as one WGSL kernel, an invocation an element. */

import { canonical, FUNCTIONS, type Wgsl, wgsl } from '../../../wgsl/functions/index.ts';
import type { Access, Program } from '../kernel.ts';
import { FLAG, parameter, shader } from './shader.ts';

/** What fills a parameter: a number, or the place of a buffer in elements. */
export type Parameter = { readonly word: number } | { readonly buffer: number; readonly offset: number };

export interface Printed {
  readonly code: string;
  readonly parameters: readonly Parameter[];
}

const word = (value: number): Parameter => ({ word: value >>> 0 });
const bits = new DataView(new ArrayBuffer(4));

/** `extra` also stores a value, contiguously, to a place given by the parameter appended last. */
export function printProgram(p: Program, extra?: { value: number; to: Parameter }): Printed {
  const parameters: Parameter[] = [word(p.total)];
  const { needs, lines } = print(p, parameters);
  if (extra) {
    lines.push(`  mem[${parameter(parameters.length)} + i] = v${extra.value};`);
    parameters.push(extra.to);
  }
  return { code: shader(needs, lines.join('\n')), parameters };
}

/** A function `element` of i, which makes a program's value of that element and stores what else the program does. */
export function printElement(p: Program, value: number, parameters: Parameter[]): Wgsl {
  const { needs, lines } = print(p, parameters);
  return wgsl('element', [...needs], `fn element(i: u32) -> u32 {\n${lines.join('\n')}\n  return v${value};\n}`);
}

/** The lines of a program for element `i`, with its parameters behind those that are there. */
function print(p: Program, parameters: Parameter[]): { needs: ReadonlySet<Wgsl>; lines: string[] } {
  const needs = new Set<Wgsl>([canonical]);
  const lines: string[] = [];
  const param = (x: Parameter): string => {
    parameters.push(x);
    return parameter(parameters.length - 1);
  };
  /** The expression of an element's place; walks the dims from the innermost. */
  const place = (a: Access, name: string): string => {
    const base = param({ buffer: a.buffer, offset: a.offset });
    if (a.dims.length === 0 || a.strides.every((s) => s === 0)) return base;
    if (a.dims.length === 1 && a.strides[0] === 1) return `${base} + i`;
    lines.push(`  var ${name} = ${base};`, `  var ${name}r = i;`);
    for (let d = a.dims.length - 1; d >= 0; d--) {
      const dim = param(word(a.dims[d]));
      const stride = param(word(a.strides[d]));
      if (d === 0) lines.push(`  ${name} += ${name}r * ${stride};`);
      else lines.push(`  ${name} += (${name}r % ${dim}) * ${stride};`, `  ${name}r = ${name}r / ${dim};`);
    }
    return name;
  };
  p.values.forEach((v, at) => {
    if (v.kind === 'constant') {
      // A parameter, not a literal: the compiler must not see a constant zero or one (N2).
      if (v.dtype === 'f32') bits.setFloat32(0, v.value);
      else bits.setUint32(0, v.value >>> 0);
      lines.push(`  let v${at} = ${param(word(bits.getUint32(0)))};`);
    } else if (v.kind === 'load') {
      lines.push(`  let v${at} = mem[${place(v.access, `a${at}`)}];`);
    } else {
      const f = FUNCTIONS[v.op];
      for (const n of f.needs) needs.add(n);
      const args = v.draw
        ? [
            'i',
            `mem[${param({ buffer: v.draw.step.buffer, offset: v.draw.step.offset })}]`,
            ...[v.draw.seedLo, v.draw.seedHi, v.draw.stream].map((w) => param(word(w))),
          ]
        : v.op === 'iota'
          ? ['i']
          : v.args.map((x) => `v${x}`);
      lines.push(`  let v${at} = ${f.call(...args)};`);
    }
  });
  const outputs: string[] = [];
  p.stores.forEach((s, k) => {
    const to = place(s.access, `s${k}`);
    if (s.output) {
      lines.push(`  let o${k} = C(v${s.value});`);
      outputs.push(`((o${k} & 0x7f800000u) == 0x7f800000u)`);
    }
    lines.push(`  mem[${to}] = ${s.output ? `o${k}` : `v${s.value}`};`);
  });
  // One branch for all of them: branches are what costs here.
  if (outputs.length > 0) lines.push(`  if (${outputs.join(' | ')}) { raise(${FLAG.nonfinite}u); }`);
  return { needs, lines };
}
