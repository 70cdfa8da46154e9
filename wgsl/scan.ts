/**
 * The static check of WGSL kernels against N2: no builtin that rounds as it likes, every f32 rounding inside a guard, no
 * factor that is a literal 0. It knows the types of all expressions; where it cannot tell, it assumes f32.
 *
 * Two comments, on the line or the line before, allow what a rule forbids, and say why:
 * - `// exact: <argument>`: the f32 products of the line are exact, or too small for their consumer to see.
 * - `// seed` : native `/`, `sqrt` and products of the line start an integer algorithm that corrects them.
 */

import { parse } from './check/parse.ts';
import type { Expression, Module, Statement, WgslFunction } from './check/syntax.ts';
import { textOf } from './check/syntax.ts';
import { tokenize } from './check/tokens.ts';
import { isFloat, Scope } from './check/types.ts';

export interface Finding {
  readonly line: number;
  readonly message: string;
}

const GUARD = /^G\d?$/;

/** What of a module breaks N2; empty when nothing does. Throws a SyntaxError at what it cannot read. */
export function scan(code: string): Finding[] {
  const { tokens, comments } = tokenize(code);
  const module = parse(tokens);
  const check = new Check(module, comments);
  for (const t of tokens)
    if (/^(f16|mat\d.*|texture_.*|sampler.*)$/.test(t.text))
      check.report(t.line, `the type ${t.text} is not used in kernels`);
  for (const e of module.extensions)
    if (!/^(subgroups|packed_4x8_integer_dot_product|readonly_and_readwrite_storage_textures)$/.test(e))
      check.report(1, `the extension ${e} is not used in kernels`);
  for (const v of module.variables) if (v.init) check.value(v.init, null);
  for (const f of module.functions) check.function(f);
  return check.findings.sort((a, b) => a.line - b.line);
}

class Check {
  readonly findings: Finding[] = [];
  readonly #module: Module;
  readonly #comments: ReadonlyMap<number, string>;
  readonly #scope: Scope;
  /** False within the guard itself. */
  #outside = true;

  constructor(module: Module, comments: ReadonlyMap<number, string>) {
    this.#module = module;
    this.#comments = comments;
    this.#scope = new Scope(module);
  }

  report(line: number, message: string): void {
    this.findings.push({ line, message });
  }
  #marked(line: number, mark: RegExp): boolean {
    return mark.test(this.#comments.get(line) ?? '');
  }
  #seed = (line: number): boolean => this.#marked(line, /\bseed\b/);
  #exact = (line: number): boolean => this.#marked(line, /\bexact: *\S/);

  function(f: WgslFunction): void {
    this.#scope.enter();
    for (const p of f.parameters) this.#scope.declare(p.name, p.type);
    this.#outside = !GUARD.test(f.name);
    if (!this.#outside) this.#guard(f);
    const body = f.entry ? this.#entry(f) : f.body;
    this.#statements(body, f);
    this.#scope.leave();
  }

  /** A guard is its one xor with `gz` and nothing else. */
  #guard({ name, parameters, body, line }: WgslFunction): void {
    const [value] = body.map((s) => (s.kind === 'value' ? textOf(s.value) : ''));
    const x = parameters[0]?.name;
    const shape =
      /^bitcast<(?:f32|vec([234])<f32>)>\(\(bitcast<(?:u32|vec\1<u32>)>\((\w+)\)\^(gz|vec\d(?:<u32>)?\(gz\))\)\)$/;
    const m = value?.replace(/\bvec([234])([uf])\b/g, (_, n, c) => `vec${n}<${c}32>`).match(shape);
    if (body.length !== 1 || parameters.length !== 1 || m?.[2] !== x)
      this.report(line, `${name} is not the guard of N2`);
  }

  /** An entry point begins by reading `gz` from a read_write storage word. Answers the statements after that. */
  #entry({ name, body, line }: WgslFunction): readonly Statement[] {
    if (!this.#module.variables.some((v) => v.name === 'gz')) return body;
    const [first, ...rest] = body;
    let from = first?.kind === 'assign' && first.op === '=' && textOf(first.target) === 'gz' ? first.value : null;
    while (from?.kind === 'member' || from?.kind === 'index') from = from.x;
    const root = from?.kind === 'name' ? from.name : '';
    const source = this.#module.variables.find((v) => v.name === root);
    if (source?.space === 'storage,read_write') return rest;
    this.report(line, `${name} must begin with gz = a word of a var<storage, read_write>`);
    return rest;
  }

  #statements(body: readonly Statement[], f: WgslFunction): void {
    for (const s of body) {
      switch (s.kind) {
        case 'block':
          this.#scope.enter();
          this.#statements(s.body, f);
          this.#scope.leave();
          break;
        case 'declare':
          if (s.init) this.value(s.init, null);
          if (s.name === 'gz') this.report(f.line, 'gz is declared again');
          this.#scope.declare(s.name, s.type || (s.init ? this.#scope.typeOf(s.init) : ''));
          break;
        case 'assign':
          this.value(s.target, null);
          if (s.value) this.value(s.value, null);
          if (textOf(s.target) === 'gz') this.report(s.line, 'gz is assigned after it was read');
          if (s.op !== '=' && isFloat(this.#scope.typeOf(s.target)))
            this.report(s.line, `${textOf(s.target)} ${s.op} is f32 arithmetic without a guard`);
          break;
        case 'value':
          this.value(s.value, null);
          break;
        default:
          s satisfies never;
      }
    }
  }

  /** `parent` is what the value goes into, where that is an expression. */
  value(e: Expression, parent: Expression | null): void {
    switch (e.kind) {
      case 'number':
        this.#literal(e.text, e.line);
        break;
      case 'name':
        break;
      case 'unary':
        this.value(e.x, e);
        if (e.op === '-' && e.x.kind !== 'number' && isFloat(this.#scope.typeOf(e.x)))
          this.report(e.line, `-${textOf(e.x)}: f32 is negated by its sign bit`);
        break;
      case 'member':
        this.value(e.x, e);
        break;
      case 'index':
        this.value(e.x, e);
        this.value(e.i, e);
        break;
      case 'binary':
        this.value(e.a, e);
        this.value(e.b, e);
        this.#binary(e, parent);
        break;
      case 'call':
        for (const a of e.args) this.value(a, e);
        this.#call(e);
        break;
    }
  }

  /** A literal that is not an f32 may become either neighbour. */
  #literal(text: string, line: number): void {
    if (/^0x/i.test(text) || !/[.eEf]/.test(text)) return;
    const v = Number(text.replace(/[fh]$/, ''));
    if (Math.fround(v) !== v) this.report(line, `${text} is no f32: write bitcast<f32>(0x…u)`);
  }

  #binary(e: Extract<Expression, { kind: 'binary' }>, parent: Expression | null): void {
    const text = textOf(e);
    // Two of them cancel, and with them the guard.
    if (e.op === '^' && this.#outside && [e.a, e.b].some((x) => textOf(x) === 'gz'))
      this.report(e.line, `${text}: only the guard may xor with gz, values are hidden by | gz`);
    if (![e.a, e.b].some((x) => isFloat(this.#scope.typeOf(x)))) return;
    const same = textOf(e.a) === textOf(e.b);
    switch (e.op) {
      case '==':
      case '!=':
        if (same) this.report(e.line, `${text}: NaN is tested on integers`);
        break;
      case '/':
        if (!this.#seed(e.line)) this.report(e.line, `${text}: native / is only a seed`);
        break;
      case '%':
        this.report(e.line, `${text}: % of f32`);
        break;
      case '*':
        if (isZero(e.a) || isZero(e.b)) this.report(e.line, `${text}: a literal 0 as a factor`);
        if (!guarded(parent) && !this.#seed(e.line) && !this.#exactHere(e, parent))
          this.report(e.line, `${text}: a product without a guard`);
        break;
      case '+':
      case '-':
        if (e.op === '-' && same) this.report(e.line, `${text}: one side must be hidden by | gz`);
        if (!guarded(parent)) this.report(e.line, `${text}: a sum without a guard`);
        break;
      default:
        break;
    }
  }

  /** An exact product goes into a sum, a rounding or a conversion to integer, or gets a name first. */
  #exactHere(e: Expression, parent: Expression | null): boolean {
    if (!this.#exact(e.line)) return false;
    if (parent === null) return true;
    if (parent.kind === 'binary') return parent.op === '+' || parent.op === '-';
    return parent.kind === 'call' && ['round', 'i32', 'u32'].includes(parent.name);
  }

  #call(e: Extract<Expression, { kind: 'call' }>): void {
    const types = e.args.map((a) => this.#scope.typeOf(a));
    switch (this.#scope.callee(e.name)) {
      case null:
        this.report(e.line, `${e.name} is not a builtin that kernels may call`);
        break;
      case 'integer':
        if (types.some((t) => isFloat(t) && !t.startsWith('ptr<')))
          this.report(e.line, `${textOf(e)}: ${e.name} of f32, or of a type that cannot be told`);
        break;
      case 'root':
        if (!this.#seed(e.line)) this.report(e.line, `${textOf(e)}: native sqrt is only a seed`);
        break;
      case 'function':
        if (guarded(e) && guarded(e.args[0])) this.report(e.line, `${textOf(e)}: two guards in a row cancel`);
        if (e.name === 'op_mul' && e.args.some(isZeroBits))
          this.report(e.line, `${textOf(e)}: a literal 0 as a factor`);
        break;
      default:
        break;
    }
  }
}

const guarded = (parent: Expression | null): boolean =>
  parent?.kind === 'call' && GUARD.test(parent.name) && parent.args.length === 1;

function isZeroBits(e: Expression): boolean {
  return e.kind === 'number' && /^(0x)?0+u$/i.test(e.text);
}

/** 0.0 in any spelling. */
function isZero(e: Expression): boolean {
  if (e.kind === 'unary') return e.op === '-' && isZero(e.x);
  if (e.kind === 'number') return Number(e.text.replace(/[fhiu]$/, '')) === 0;
  if (e.kind !== 'call') return false;
  if (e.name === 'bitcast' || e.name === 'f32') return isZeroBits(e.args[0]) || isZero(e.args[0]);
  return e.name.startsWith('vec') && e.args.length > 0 && e.args.every(isZero);
}
