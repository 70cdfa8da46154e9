/**
 * Types of WGSL expressions, as text. Literals without a suffix are `int` and `float`; what cannot be told is `?`, and
 * the checks take that for f32, so that not knowing never lets arithmetic through.
 */

import type { Expression, Module, WgslFunction } from './syntax.ts';

export const UNKNOWN = '?';

/** Builtins that a kernel may call on integers or bools, and what they give. Every other one is refused. */
const INTEGER_BUILTINS: Readonly<Record<string, (args: readonly string[]) => string>> = {
  abs: ([x]) => x,
  all: () => 'bool',
  any: () => 'bool',
  arrayLength: () => 'u32',
  clamp: ([x]) => x,
  countLeadingZeros: ([x]) => x,
  countOneBits: ([x]) => x,
  countTrailingZeros: ([x]) => x,
  dot4I8Packed: () => 'i32',
  dot4U8Packed: () => 'u32',
  extractBits: ([x]) => x,
  firstLeadingBit: ([x]) => x,
  firstTrailingBit: ([x]) => x,
  insertBits: ([x]) => x,
  max: joined,
  min: joined,
  pack4xI8: () => 'u32',
  pack4xU8: () => 'u32',
  reverseBits: ([x]) => x,
  sign: ([x]) => x,
  storageBarrier: () => '',
  unpack4xI8: () => 'vec4<i32>',
  unpack4xU8: () => 'vec4<u32>',
  workgroupBarrier: () => '',
  atomicLoad: atomic,
  atomicStore: () => '',
  atomicAdd: atomic,
  atomicSub: atomic,
  atomicMax: atomic,
  atomicMin: atomic,
  atomicAnd: atomic,
  atomicOr: atomic,
  atomicXor: atomic,
  atomicExchange: atomic,
};

/** Builtins that f32 may pass through: exact (D4), or only moving bits. */
const MOVING_BUILTINS: Readonly<Record<string, (args: readonly string[]) => string>> = {
  ceil: ([x]) => x,
  floor: ([x]) => x,
  round: ([x]) => x,
  trunc: ([x]) => x,
  select: ([a, b]) => joined([a, b]),
  workgroupUniformLoad: ([x]) => pointed(x),
  subgroupBroadcast: ([x]) => x,
  subgroupBroadcastFirst: ([x]) => x,
  subgroupShuffle: ([x]) => x,
  subgroupShuffleDown: ([x]) => x,
  subgroupShuffleUp: ([x]) => x,
  subgroupShuffleXor: ([x]) => x,
};

/** `vec4u` and its like. */
const SHORT: Readonly<Record<string, string>> = { i: 'i32', u: 'u32', f: 'f32', h: 'f16' };

/** The type of a component: of a scalar, itself. */
export function component(type: string): string {
  return type.match(/^vec[234]<(.+)>$/)?.[1] ?? type;
}

/** True unless the type is known to hold no floating point. */
export function isFloat(type: string): boolean {
  return !['i32', 'u32', 'int', 'bool', ''].includes(component(type));
}

function pointed(type: string): string {
  return type.match(/^ptr<[a-z_]+,(.+?)(?:,[a-z_]+)?>$/)?.[1] ?? UNKNOWN;
}

function atomic([pointer]: readonly string[]): string {
  return pointed(pointer).match(/^atomic<(.+)>$/)?.[1] ?? UNKNOWN;
}

/** Of operands that WGSL wants to be alike: the concrete one, and the vector of a vector and a scalar. */
export function joined(types: readonly string[]): string {
  const [a, b, ...rest] = types;
  if (b === undefined) return a ?? UNKNOWN;
  const both = a === b ? a : /^(int|float)$/.test(a) && b !== 'int' ? b : /^(int|float)$/.test(b) ? a : vector(a, b);
  return joined([both, ...rest]);
}

function vector(a: string, b: string): string {
  if (a.startsWith('vec') && component(a) === component(b)) return a;
  return b.startsWith('vec') && component(a) === component(b) ? b : UNKNOWN;
}

/** Names in force, innermost scope last. */
export class Scope {
  readonly #module: Module;
  readonly #functions: ReadonlyMap<string, WgslFunction>;
  readonly #names: Map<string, string>[] = [new Map()];

  constructor(module: Module) {
    this.#module = module;
    this.#functions = new Map(module.functions.map((f) => [f.name, f]));
    for (const v of module.variables) this.declare(v.name, v.type || (v.init ? this.typeOf(v.init) : UNKNOWN));
  }

  enter(): void {
    this.#names.push(new Map());
  }
  leave(): void {
    this.#names.pop();
  }
  declare(name: string, type: string): void {
    // A let of a literal is concrete.
    this.#names[this.#names.length - 1].set(name, { int: 'i32', float: 'f32' }[type] ?? this.resolve(type));
  }
  /** A function of this module. */
  function(name: string): WgslFunction | undefined {
    return this.#functions.get(name);
  }

  resolve(type: string): string {
    const alias = this.#module.aliases.get(type);
    if (alias !== undefined) return this.resolve(alias);
    return type.replace(/\b(vec[234])([iufh])\b/g, (_, v: string, c: string) => `${v}<${SHORT[c]}>`);
  }

  /** What kind of callee a call has: null is one that no kernel may call. */
  callee(name: string): 'function' | 'type' | 'integer' | 'moving' | 'root' | null {
    if (this.#functions.has(name)) return 'function';
    const type = this.resolve(name);
    if (/^(i32|u32|f32|bool|bitcast|array|vec[234](<.+>)?)$/.test(type) || this.#module.structs.has(type))
      return 'type';
    if (Object.hasOwn(INTEGER_BUILTINS, name)) return 'integer';
    if (Object.hasOwn(MOVING_BUILTINS, name)) return 'moving';
    return name === 'sqrt' ? 'root' : null;
  }

  typeOf(e: Expression): string {
    switch (e.kind) {
      case 'number':
        return numberType(e.text);
      case 'name':
        if (e.name === 'true' || e.name === 'false') return 'bool';
        return this.#names.findLast((scope) => scope.has(e.name))?.get(e.name) ?? UNKNOWN;
      case 'unary':
        if (e.op === '!') return 'bool';
        if (e.op === '&') return `ptr<any,${this.typeOf(e.x)}>`;
        return e.op === '*' ? pointed(this.typeOf(e.x)) : this.typeOf(e.x);
      case 'binary':
        if (/^(==|!=|<|>|<=|>=|&&|\|\|)$/.test(e.op)) return 'bool';
        return e.op === '<<' || e.op === '>>' ? this.typeOf(e.a) : joined([this.typeOf(e.a), this.typeOf(e.b)]);
      case 'member':
        return this.#member(this.typeOf(e.x), e.name);
      case 'index':
        return this.typeOf(e.x).match(/^(?:array|vec[234])<(.+?)(?:,[^<>]+)?>$/)?.[1] ?? UNKNOWN;
      case 'call':
        return this.#call(e.name, e.template, () => e.args.map((a) => this.typeOf(a)));
    }
  }

  #member(type: string, name: string): string {
    const fields = this.#module.structs.get(type.startsWith('ptr<') ? pointed(type) : type);
    if (fields) return this.resolve(fields.find((f) => f.name === name)?.type ?? UNKNOWN);
    if (!type.startsWith('vec')) return UNKNOWN;
    return name.length === 1 ? component(type) : `vec${name.length}<${component(type)}>`;
  }

  #call(name: string, template: string, args: () => string[]): string {
    const f = this.#functions.get(name);
    if (f) return this.resolve(f.returns);
    if (name === 'bitcast') return this.resolve(template.slice(1, -1));
    if (template) return this.resolve(name + template);
    const type = this.resolve(name);
    if (/^(vec[234]|array)$/.test(type)) return `${type}<${joined(args().map(component))}>`;
    if (this.callee(name) === 'type') return type;
    const builtin = INTEGER_BUILTINS[name] ?? MOVING_BUILTINS[name];
    return builtin ? builtin(args()) : UNKNOWN;
  }
}

function numberType(text: string): string {
  const hex = /^0x/i.test(text);
  const suffix = text[text.length - 1];
  if (suffix === 'u') return 'u32';
  if (suffix === 'i') return 'i32';
  if (suffix === 'h') return 'f16';
  if (suffix === 'f' && (!hex || /p/i.test(text))) return 'f32';
  return (hex ? /[.p]/i : /[.e]/i).test(text) ? 'float' : 'int';
}
