/** A recursive-descent parser for the WGSL that kernels are written in. It refuses what it does not know. */

import type { Expression, Module, Parameter, Statement, Variable, WgslFunction } from './syntax.ts';
import type { Token } from './tokens.ts';

const TEMPLATED = /^(bitcast|array|ptr|atomic|vec[234]|mat[234]x[234])$/;

const PRECEDENCE: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];

export function parse(tokens: readonly Token[]): Module {
  return new Parser(tokens).module();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get #token(): Token {
    return this.#tokens[this.#at];
  }
  #is(text: string): boolean {
    return this.#token.text === text && this.#token.kind !== 'end';
  }
  #take(): Token {
    return this.#tokens[this.#at++];
  }
  #skip(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#at++;
    return true;
  }
  #expect(text: string): Token {
    if (!this.#is(text)) throw this.#unexpected(`'${text}'`);
    return this.#take();
  }
  #name(): string {
    if (this.#token.kind !== 'name') throw this.#unexpected('a name');
    return this.#take().text;
  }
  #unexpected(wanted: string): SyntaxError {
    const found = this.#token.kind === 'end' ? 'the end' : `'${this.#token.text}'`;
    return new SyntaxError(`line ${this.#token.line}: expected ${wanted}, found ${found}`);
  }

  module(): Module {
    const extensions: string[] = [];
    const structs = new Map<string, Parameter[]>();
    const aliases = new Map<string, string>();
    const variables: Variable[] = [];
    const functions: WgslFunction[] = [];
    while (this.#token.kind !== 'end') {
      if (this.#skip(';')) continue;
      const attributes = this.#attributes();
      if (this.#skip('enable') || this.#skip('requires')) {
        do extensions.push(this.#name());
        while (this.#skip(','));
        this.#expect(';');
      } else if (this.#skip('struct')) {
        structs.set(this.#name(), this.#parameters('{', '}'));
      } else if (this.#skip('alias')) {
        const name = this.#name();
        this.#expect('=');
        aliases.set(name, this.#type());
        this.#expect(';');
      } else if (this.#is('fn')) {
        functions.push(this.#function(attributes));
      } else {
        variables.push(this.#variable());
      }
    }
    return { extensions, structs, aliases, variables, functions };
  }

  /** The names of the attributes that stand here. */
  #attributes(): string[] {
    const names: string[] = [];
    while (this.#skip('@')) {
      names.push(this.#name());
      if (this.#skip('(')) {
        while (!this.#is(')')) {
          this.#expression();
          this.#skip(',');
        }
        this.#expect(')');
      }
    }
    return names;
  }

  #variable(): Variable {
    if (!['var', 'const', 'override', 'const_assert'].includes(this.#token.text))
      throw this.#unexpected('a declaration');
    const keyword = this.#take().text;
    if (keyword === 'const_assert') {
      const init = this.#expression();
      this.#expect(';');
      return { name: '', type: 'bool', space: '', init };
    }
    const space = keyword === 'var' && this.#is('<') ? this.#template().slice(1, -1) : '';
    const name = this.#name();
    const type = this.#skip(':') ? this.#type() : '';
    const init = this.#skip('=') ? this.#expression() : null;
    this.#expect(';');
    return { name, type, space, init };
  }

  #parameters(open: string, close: string): Parameter[] {
    const list: Parameter[] = [];
    this.#expect(open);
    while (!this.#skip(close)) {
      this.#attributes();
      const name = this.#name();
      this.#expect(':');
      list.push({ name, type: this.#type() });
      if (!this.#skip(',') && !this.#is(close)) throw this.#unexpected(`'${close}'`);
    }
    return list;
  }

  #type(): string {
    return this.#name() + (this.#is('<') ? this.#template() : '');
  }

  #template(): string {
    let text = this.#expect('<').text;
    let open = 1;
    while (open > 0) {
      if (this.#token.kind === 'end' || this.#is(';')) throw this.#unexpected("'>'");
      const t = this.#take().text;
      if (t === '<') open++;
      if (t === '>') open--;
      if (!(t === ',' && this.#is('>'))) text += t;
    }
    return text;
  }

  #function(attributes: readonly string[]): WgslFunction {
    const { line } = this.#expect('fn');
    const name = this.#name();
    const parameters = this.#parameters('(', ')');
    let returns = '';
    if (this.#skip('->')) {
      this.#attributes();
      returns = this.#type();
    }
    const entry = ['compute', 'vertex', 'fragment'].some((stage) => attributes.includes(stage));
    return { name, parameters, returns, body: this.#block(), entry, line };
  }

  #block(): Statement[] {
    const body: Statement[] = [];
    this.#expect('{');
    while (!this.#skip('}')) body.push(...this.#statement());
    return body;
  }

  #statement(): Statement[] {
    this.#attributes();
    if (this.#skip(';')) return [];
    if (this.#is('{')) return [{ kind: 'block', body: this.#block() }];
    if (this.#skip('if')) {
      const condition: Statement = { kind: 'value', value: this.#expression() };
      const then: Statement = { kind: 'block', body: this.#block() };
      return this.#skip('else') ? [condition, then, ...this.#statement()] : [condition, then];
    }
    if (this.#skip('while')) return [{ kind: 'value', value: this.#expression() }, ...this.#statement()];
    if (this.#skip('loop') || this.#skip('continuing')) return [{ kind: 'block', body: this.#block() }];
    if (this.#skip('for')) return [this.#for()];
    if (this.#skip('switch')) return this.#switch();
    const s = this.#simple();
    this.#expect(';');
    return s;
  }

  #for(): Statement {
    this.#expect('(');
    const first = this.#is(';') ? [] : this.#simple();
    this.#expect(';');
    const condition: Statement[] = this.#is(';') ? [] : [{ kind: 'value', value: this.#expression() }];
    this.#expect(';');
    const step = this.#is(')') ? [] : this.#simple();
    this.#expect(')');
    return { kind: 'block', body: [...first, ...condition, { kind: 'block', body: this.#block() }, ...step] };
  }

  #switch(): Statement[] {
    const out: Statement[] = [{ kind: 'value', value: this.#expression() }];
    this.#expect('{');
    while (!this.#skip('}')) {
      if (!this.#skip('default')) {
        this.#expect('case');
        while (!this.#is(':') && !this.#is('{')) {
          if (!this.#skip('default')) this.#expression();
          this.#skip(',');
        }
      }
      this.#skip(':');
      out.push({ kind: 'block', body: this.#block() });
    }
    return out;
  }

  /** What ends in a semicolon, without it. */
  #simple(): Statement[] {
    const { line } = this.#token;
    if (this.#skip('break')) return this.#skip('if') ? [{ kind: 'value', value: this.#expression() }] : [];
    if (this.#skip('continue') || this.#skip('discard')) return [];
    if (this.#skip('return')) return this.#is(';') ? [] : [{ kind: 'value', value: this.#expression() }];
    if (this.#is('let') || this.#is('var') || this.#is('const')) {
      this.#take();
      if (this.#is('<')) this.#template();
      const name = this.#name();
      const type = this.#skip(':') ? this.#type() : '';
      return [{ kind: 'declare', name, type, init: this.#skip('=') ? this.#expression() : null }];
    }
    const target = this.#unary();
    const op = this.#token.text;
    if (op === '++' || op === '--') {
      this.#take();
      return [{ kind: 'assign', op, target, value: null, line }];
    }
    if (op === '>') {
      this.#expect('>');
      this.#expect('>');
      this.#expect('=');
      return [{ kind: 'assign', op: '>>=', target, value: this.#expression(), line }];
    }
    if (op === '=' || /^([-+*/%&|^]|<<)=$/.test(op)) {
      this.#take();
      return [{ kind: 'assign', op, target, value: this.#expression(), line }];
    }
    return [{ kind: 'value', value: target }];
  }

  #expression(level = 0): Expression {
    if (level === PRECEDENCE.length) return this.#unary();
    let a = this.#expression(level + 1);
    for (;;) {
      const op = this.#operator();
      if (!PRECEDENCE[level].includes(op)) return a;
      const { line } = this.#token;
      this.#at += op === '>>' || op === '>=' ? 2 : 1;
      a = { kind: 'binary', op, a, b: this.#expression(level + 1), line };
    }
  }

  /** The operator that stands here, `>>` and `>=` joined. */
  #operator(): string {
    const next = this.#tokens[this.#at + 1];
    if (this.#is('>') && next.at === this.#token.at + 1 && (next.text === '>' || next.text === '=')) {
      // `>>=` is an assignment.
      const third = this.#tokens[this.#at + 2];
      if (next.text === '>' && third.text === '=' && third.at === next.at + 1) return '';
      return `>${next.text}`;
    }
    return this.#token.kind === 'symbol' ? this.#token.text : '';
  }

  #unary(): Expression {
    const { text, line } = this.#token;
    if (['-', '!', '~', '&', '*'].includes(text)) {
      this.#take();
      return { kind: 'unary', op: text, x: this.#unary(), line };
    }
    let x = this.#primary();
    for (;;) {
      if (this.#skip('.')) {
        x = { kind: 'member', x, name: this.#name(), line };
      } else if (this.#skip('[')) {
        x = { kind: 'index', x, i: this.#expression(), line };
        this.#expect(']');
      } else {
        return x;
      }
    }
  }

  #primary(): Expression {
    const { kind, text, line } = this.#token;
    if (this.#skip('(')) {
      const x = this.#expression();
      this.#expect(')');
      return x;
    }
    if (kind === 'number') {
      this.#take();
      return { kind: 'number', text, line };
    }
    const name = this.#name();
    const template = TEMPLATED.test(name) && this.#is('<') ? this.#template() : '';
    if (!this.#skip('(')) {
      if (template) throw this.#unexpected("'('");
      return { kind: 'name', name, line };
    }
    const args: Expression[] = [];
    while (!this.#skip(')')) {
      args.push(this.#expression());
      if (!this.#skip(',') && !this.#is(')')) throw this.#unexpected("')'");
    }
    return { kind: 'call', name, template, args, line };
  }
}
