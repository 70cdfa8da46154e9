/** The tree of a WGSL module, as far as the checks of arithmetic need it. Types are their text without spaces. */

export type Expression =
  | { readonly kind: 'number'; readonly text: string; readonly line: number }
  | { readonly kind: 'name'; readonly name: string; readonly line: number }
  | { readonly kind: 'unary'; readonly op: string; readonly x: Expression; readonly line: number }
  | {
      readonly kind: 'binary';
      readonly op: string;
      readonly a: Expression;
      readonly b: Expression;
      readonly line: number;
    }
  | {
      readonly kind: 'call';
      readonly name: string;
      /** `<f32>` of `bitcast<f32>(x)`, or empty. */
      readonly template: string;
      readonly args: readonly Expression[];
      readonly line: number;
    }
  | { readonly kind: 'member'; readonly x: Expression; readonly name: string; readonly line: number }
  | { readonly kind: 'index'; readonly x: Expression; readonly i: Expression; readonly line: number };

export type Statement =
  | { readonly kind: 'declare'; readonly name: string; readonly type: string; readonly init: Expression | null }
  | {
      readonly kind: 'assign';
      readonly op: string;
      readonly target: Expression;
      readonly value: Expression | null;
      readonly line: number;
    }
  | { readonly kind: 'value'; readonly value: Expression }
  /** Whatever holds statements: a scope of its own. */
  | { readonly kind: 'block'; readonly body: readonly Statement[] };

export interface Parameter {
  readonly name: string;
  readonly type: string;
}

export interface WgslFunction {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** Empty where nothing is returned. */
  readonly returns: string;
  readonly body: readonly Statement[];
  readonly entry: boolean;
  readonly line: number;
}

export interface Variable extends Parameter {
  /** `storage,read_write` of `var<storage, read_write>`; empty for const and override. */
  readonly space: string;
  readonly init: Expression | null;
}

export interface Module {
  /** Words after `enable` and `requires`. */
  readonly extensions: readonly string[];
  readonly structs: ReadonlyMap<string, readonly Parameter[]>;
  readonly aliases: ReadonlyMap<string, string>;
  readonly variables: readonly Variable[];
  readonly functions: readonly WgslFunction[];
}

/** An expression as text, to compare two of them. */
export function textOf(e: Expression): string {
  switch (e.kind) {
    case 'number':
      return e.text;
    case 'name':
      return e.name;
    case 'unary':
      return `${e.op}(${textOf(e.x)})`;
    case 'binary':
      return `(${textOf(e.a)}${e.op}${textOf(e.b)})`;
    case 'call':
      return `${e.name}${e.template}(${e.args.map(textOf).join(',')})`;
    case 'member':
      return `${textOf(e.x)}.${e.name}`;
    case 'index':
      return `${textOf(e.x)}[${textOf(e.i)}]`;
  }
}
